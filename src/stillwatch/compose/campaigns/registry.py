"""Tactics: what a campaign is after and the ranges its axes are drawn from. Adding one is one entry."""

from __future__ import annotations

import msgspec


class Tactic(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    capabilities: dict[str, float]
    accounts: tuple[int, int] = (15, 90)
    per_account: tuple[int, int] = (15, 90)


BUILTIN: tuple[Tactic, ...] = (
    Tactic(name="reasoning_sweep", capabilities={"reasoning": 1.0}),
    Tactic(name="rubric_reward", capabilities={"rubric_grading": 0.8, "reasoning": 0.2}),
    Tactic(name="coding_sweep", capabilities={"coding": 0.9, "data_analysis": 0.1}),
)
