"""Somebody is not let in. ``because`` is for the audit log; to who tried, every refusal looks the same."""

from __future__ import annotations

from stillwatch.errors import StillwatchError


class RefusedError(StillwatchError):
    """A login or a request that is not allowed. ``retry_after_s`` is set where trying later may help."""

    def __init__(self, because: str, *, retry_after_s: int | None = None) -> None:
        self.because, self.retry_after_s = because, retry_after_s
        super().__init__("too many attempts; try again later" if retry_after_s else "not allowed")
