"""Are there many people behind each account? What tells a resold pool from a harvest, and both from households.

Why resale looks like this: an account carries many strangers' languages, system prompts, tools and end users at once.
Who is innocent and looks the same: a declared aggregator, a product's back-end. How it is avoided: by one customer
per account.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np
import numpy.typing as npt

from stillwatch.detectors.protocol import Measurement
from stillwatch.detectors.suspect import Suspect
from stillwatch.model import Axis
from stillwatch.tally.rows import count

MIN_ROWS = 12
COLUMNS = ("system_key", "end_user_key", "tools_key", "agent_key")


def _distinct_per_account(suspect: Suspect, diversity: npt.NDArray[np.int64]) -> float | None:
    """Mean over members of distinct values per log2 of their informed rows; None where nothing is known.

    ``diversity``: see ``Facts.diversity``.
    """
    seen, distinct = diversity[:, suspect.accounts]
    if seen.sum() < MIN_ROWS:
        return None
    held = seen >= 2
    return float((distinct[held] / np.log2(seen[held] + 1)).mean()) if held.any() else None


class ManyPeople(msgspec.Struct, frozen=True, kw_only=True):
    """Distinct system prompts, end users, tool sets, clients and writing systems per account."""

    name: str = "many_people_per_account"
    family: str = "people"
    axis: Axis = "resale"
    needs: Sequence[str] = ("system_prompt|end_user_id|tool_names|user_agent",)

    def measure(self, suspect: Suspect) -> Measurement | None:
        facts = suspect.scene.facts
        found = [_distinct_per_account(suspect, facts.diversity(c)) for c in COLUMNS if facts.has(c)]
        found.append(_distinct_per_account(suspect, facts.script_diversity))
        known = [value for value in found if value is not None]
        if not known:
            return None
        x = float(np.sum(known))
        return Measurement(x=x, says=f"system prompts, clients and languages per account: index {x:.1f}")


class KindsPerAccount(msgspec.Struct, frozen=True, kw_only=True):
    """Distinct kinds of prompts per account, against what as many rows of one person show."""

    name: str = "topics_per_account"
    family: str = "topics"
    axis: Axis = "resale"
    needs: Sequence[str] = ("prompt",)

    def measure(self, suspect: Suspect) -> Measurement | None:
        x = _distinct_per_account(suspect, suspect.scene.kind_diversity)
        return None if x is None else Measurement(x=x, says=f"different kinds of prompts per account: index {x:.1f}")


class HumanTouch(msgspec.Struct, frozen=True, kw_only=True):
    """Follow-ups and careless starts over all exchanges: people use these accounts."""

    name: str = "people_write"
    family: str = "human"
    axis: Axis = "resale"
    needs: Sequence[str] = ("prompt",)

    def measure(self, suspect: Suspect) -> Measurement | None:
        facts, rows = suspect.scene.facts, suspect.rows
        lower = suspect.column("starts_lower", rows)
        if len(lower) < MIN_ROWS:
            return None
        careless, followed = float(lower.mean()), count(rows, facts.followed_up) / len(rows)
        return Measurement(x=careless + followed, says=f"{followed:.0%} follow-ups, {careless:.0%} careless starts")


PEOPLE = (ManyPeople(), KindsPerAccount(), HumanTouch())
