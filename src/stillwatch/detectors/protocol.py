"""The seam for detectors.

A detector measures one thing about one cluster of accounts. It returns the raw measurement; ``weights`` turn that into
bits by trees fitted on labelled worlds, so a raw score never leaves this package and a weight nobody measured is
not a weight. ``None`` means *cannot tell*: not zero.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import msgspec

from stillwatch.detectors.suspect import Suspect
from stillwatch.model import Axis


class Measurement(msgspec.Struct, frozen=True, kw_only=True):
    """``x``: larger is more suspicious, in the detector's own unit.

    ``says``: the finding in words, with its figures.
    """

    x: float
    says: str
    rows: tuple[int, ...] = ()  # of the facts: exchanges a person can look up


@runtime_checkable
class Detector(Protocol):
    """``needs``: columns without which it does not apply (any one of a ``|``-joined group suffices)."""

    @property
    def name(self) -> str: ...
    @property
    def family(self) -> str: ...
    @property
    def axis(self) -> Axis: ...
    @property
    def needs(self) -> Sequence[str]: ...

    def measure(self, suspect: Suspect) -> Measurement | None:
        """One measurement of one cluster; None where it cannot tell."""
        ...
