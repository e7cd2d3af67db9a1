"""What speaks for the members: they say who they are.

Why harvesting does not look like this: fraudulent accounts pretend to be unrelated people. Who is innocent: enterprises,
research groups, aggregators. How it is abused: by declaring an organisation, which verification makes expensive.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np

from stillwatch.detectors.protocol import Measurement
from stillwatch.detectors.suspect import Suspect
from stillwatch.model import Axis

SOLID_PLANS = ("enterprise", "education", "research", "startup")


def _is(suspect: Suspect, column: str, wanted: Sequence[str]) -> float | None:
    values = [v for v in suspect.scene.roster.side.column(column).take(suspect.accounts).to_pylist() if v is not None]
    return sum(v in wanted for v in values) / len(values) if values else None


class Declared(msgspec.Struct, frozen=True, kw_only=True):
    """Share of members that openly belong to an organisation, or hold a verified or programme account, negated."""

    name: str = "says_who_it_is"
    family: str = "openness"
    axis: Axis = "operator"
    needs: Sequence[str] = ("declared_org|plan|verification",)

    def measure(self, suspect: Suspect) -> Measurement | None:
        verified = _is(suspect, "verification", ("organisation",))
        solid = _is(suspect, "plan", SOLID_PLANS)
        if verified is None and solid is None:
            return None
        declared = float(suspect.scene.roster.declared[suspect.accounts].mean())
        share = max(declared, verified or 0.0, solid or 0.0)
        return Measurement(x=-share, says=f"{share:.0%} of the members openly belong to an organisation or a programme")


class OneOrganisation(msgspec.Struct, frozen=True, kw_only=True):
    """Share of the cluster's accounts in its largest openly declared organisation, negated."""

    name: str = "one_organisation"
    family: str = "openness"
    axis: Axis = "operator"
    needs: Sequence[str] = ()

    def measure(self, suspect: Suspect) -> Measurement | None:
        node = suspect.scene.roster.node[suspect.accounts]
        if len(node) < 2:
            return None
        share = float(np.bincount(node).max() / len(node))
        return Measurement(x=-share, says=f"the largest declared organisation holds {share:.0%} of the accounts")
