"""Errors, sorted by who must act on them.

Every message says what was wrong, where, and what to do. The command line prints it on one line and exits with
``exit_code``; nothing half-written is left behind.
"""

from __future__ import annotations


class StillwatchError(Exception):
    """Base of every error this package raises on purpose."""

    exit_code = 1


class ConfigError(StillwatchError):
    """The configuration cannot be used: ``where`` names file and key, ``hint`` what to do."""

    exit_code = 2

    def __init__(self, problem: str, *, where: str = "", hint: str = "") -> None:
        self.problem, self.where, self.hint = problem, where, hint
        super().__init__(": ".join(part for part in (where, problem) if part) + (f" ({hint})" if hint else ""))


class InputError(StillwatchError):
    """The input as a whole cannot be read (a single bad row goes to quarantine instead)."""

    exit_code = 2

    def __init__(self, problem: str, *, source: str = "", line: int | None = None, hint: str = "") -> None:
        self.problem, self.source, self.line, self.hint = problem, source, line, hint
        where = f"{source}:{line}" if line is not None else source
        super().__init__(": ".join(part for part in (where, problem) if part) + (f" ({hint})" if hint else ""))


class DetectorError(StillwatchError):
    """A detector broke: it is skipped, counted, and shown as not applicable with the reason."""

    exit_code = 3


class EngineError(StillwatchError):
    """Something the live service needs is away or full (store, disk, broker): it may be tried again."""

    exit_code = 4
