"""What a scan says, written down: files, the HTML report, notebook plots, explanations in the terminal."""

from stillwatch.report.notebook import Report

__all__ = ["Report"]
