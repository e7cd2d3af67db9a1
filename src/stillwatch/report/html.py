"""The self-contained HTML report."""

from __future__ import annotations

import pyarrow as pa
from markupsafe import escape

from stillwatch.model import ScanResult


def render_html(result: ScanResult, accounts: pa.Table) -> str:
    """A thin page; the full one follows."""
    rows = "".join(
        f"<tr><td>{escape(c.campaign_id)}<td>{c.verdict}<td>{c.confidence}<td>{len(c.roster)}" for c in result.campaigns
    )
    return f"<!doctype html><meta charset=utf-8><title>Stillwatch</title><table>{rows}</table><p>{accounts.num_rows} accounts"


def render_summary(result: ScanResult) -> str:
    """The campaigns as a short table, for a notebook cell."""
    return render_html(result, pa.table({}))
