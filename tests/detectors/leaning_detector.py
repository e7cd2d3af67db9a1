"""A detector that leans on another one, which none may."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from stillwatch.detectors.items import Volume
from stillwatch.detectors.protocol import Measurement
from stillwatch.detectors.suspect import Suspect
from stillwatch.model import Axis


class Leaning(msgspec.Struct, frozen=True, kw_only=True):
    name: str = "leaning"
    family: str = "test"
    axis: Axis = "harvest"
    needs: Sequence[str] = ("prompt",)

    def measure(self, suspect: Suspect) -> Measurement | None:
        return Volume().measure(suspect)
