"""What speaks for the members: they say who they are.

Why harvesting does not look like this: fraudulent accounts pretend to be unrelated people. Who is innocent:
enterprises, research groups, aggregators. How it is abused: by declaring an organisation, which verification makes
expensive.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np

from stillwatch.detectors.protocol import Measurement
from stillwatch.detectors.suspect import Suspect
from stillwatch.model import Axis


class Declared(msgspec.Struct, frozen=True, kw_only=True):
    """Share of members that belong to a checked organisation or programme, negated."""

    name: str = "says_who_it_is"
    family: str = "openness"
    axis: Axis = "operator"
    needs: Sequence[str] = ("plan|verification",)

    def measure(self, suspect: Suspect) -> Measurement | None:
        if not len(suspect.accounts) or {"plan", "verification"} <= suspect.scene.missing_columns:
            return None
        share = suspect.vouched_share
        return Measurement(x=-share, says=f"{share:.0%} of the members belong to a checked organisation or programme")


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
