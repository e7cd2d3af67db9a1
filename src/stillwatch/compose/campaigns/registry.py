"""Tactics: what a campaign is after and the ranges its axes are drawn from. Adding one is one entry.

An axis a tactic does not name is drawn from ``plan.AXES``. Those at the end are held out of every suite but
``unfamiliar``: what is fitted on the others must meet them as news.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

Range = tuple[float, float]


class Tactic(msgspec.Struct, frozen=True, kw_only=True):
    """What a campaign is after.

    ``mixes`` are capability mixes, one of which is drawn; ``size`` is a relative number of accounts; ``rate`` the
    range of the median calls per account; ``axes`` restricts axes to these values; ``turns`` of one harvested talk.
    """

    name: str
    mixes: tuple[dict[str, float], ...]
    size: Range = (0.4, 1.6)
    rate: Range = (9.0, 80.0)
    axes: Mapping[str, tuple[object, ...]] = {}
    turns: tuple[int, int] = (1, 1)
    trace: bool = False
    single: bool = False
    weight: float = 1.0


_ONE = {
    "born": ("spread", "aged"),
    "bans": (0.0,),
    "failover": (0.0,),
    "infrastructure": ("ordinary", "hosting_pool", "vpn"),
}

BUILTIN: tuple[Tactic, ...] = (
    Tactic(
        name="reasoning_sweep",
        mixes=({"reasoning": 1.0}, {"reasoning": 0.85, "data_analysis": 0.15}, {"reasoning": 0.7, "coding": 0.3}),
    ),
    Tactic(
        name="precision_reasoning",
        mixes=(
            {"reasoning": 0.5, "rubric_grading": 0.3, "policy_rewriting": 0.2},
            {"reasoning": 0.7, "rubric_grading": 0.3},
        ),
        size=(0.8, 2.2),
        axes={"payment": ("few_cards",), "timing": ("synchronised",), "blend": (0.0, 0.1)},
    ),
    Tactic(
        name="rubric_reward", mixes=({"rubric_grading": 1.0}, {"rubric_grading": 0.75, "instruction_following": 0.25})
    ),
    Tactic(
        name="policy_rewrite",
        mixes=({"policy_rewriting": 1.0}, {"policy_rewriting": 0.7, "rubric_grading": 0.3}),
        size=(0.25, 0.8),
    ),
    Tactic(name="coding_sweep", mixes=({"coding": 1.0}, {"coding": 0.8, "data_analysis": 0.2})),
    Tactic(
        name="bulk_agentic",
        mixes=({"agentic_coding": 0.7, "orchestration": 0.3}, {"agentic_coding": 0.6, "tool_use": 0.4}),
        size=(1.5, 4.0),
        rate=(30.0, 110.0),
        turns=(3, 14),
        axes={"pivot": (0.5,), "bans": (0.15, 0.3), "wrapper": ("system", "bare", "several")},
        weight=1.4,
    ),
    Tactic(
        name="agentic_trajectories",
        mixes=({"agentic_coding": 1.0}, {"agentic_coding": 0.7, "data_analysis": 0.3}),
        turns=(3, 10),
        rate=(30, 110),
    ),
    Tactic(name="tool_harvest", mixes=({"tool_use": 1.0}, {"tool_use": 0.7, "orchestration": 0.3}), turns=(1, 4)),
    Tactic(
        name="broad_multimodal",
        mixes=(
            {"vision": 0.35, "tool_use": 0.25, "coding": 0.2, "computer_use": 0.2},
            {"agentic_coding": 0.4, "vision": 0.3, "data_analysis": 0.3},
        ),
        size=(0.8, 2.4),
        turns=(1, 5),
        axes={"platforms": ("several",), "timing": ("human", "flat", "office")},
    ),
    Tactic(
        name="computer_control",
        mixes=({"computer_use": 1.0}, {"computer_use": 0.7, "vision": 0.3}),
        turns=(2, 8),
        size=(0.3, 1.0),
    ),
    Tactic(
        name="trace_coercion",
        mixes=({"reasoning": 1.0}, {"reasoning": 0.7, "instruction_following": 0.3}),
        size=(0.15, 0.7),
        trace=True,
        axes={"language": ("several",), "wrapper": ("several", "per_account", "per_request")},
    ),
    Tactic(
        name="instruction_mix",
        mixes=({"instruction_following": 1.0}, {"instruction_following": 0.6, "coding": 0.25, "reasoning": 0.15}),
    ),
    Tactic(
        name="signup_wave",
        mixes=({"instruction_following": 0.6, "coding": 0.4}, {"coding": 1.0}, {"reasoning": 1.0}),
        size=(1.2, 3.5),
        rate=(8, 40),
        axes={"born": ("burst",), "email": ("shape", "catchall"), "payment": ("none", "virtual")},
    ),
    Tactic(
        name="slow_thin",
        mixes=({"reasoning": 1.0}, {"coding": 1.0}, {"instruction_following": 1.0}, {"rubric_grading": 1.0}),
        rate=(50, 120),
        axes={
            "timing": ("slow",),
            "infrastructure": ("residential", "ordinary"),
            "payment": ("own", "virtual"),
            "born": ("spread", "aged"),
        },
    ),
    Tactic(
        name="hacked_accounts",
        mixes=({"coding": 0.6, "reasoning": 0.4}, {"agentic_coding": 1.0}, {"instruction_following": 1.0}),
        size=(0.2, 0.7),
        turns=(1, 3),
        axes={
            "born": ("aged",),
            "email": ("freemail",),
            "payment": ("own",),
            "blend": (0.3, 0.5),
            "infrastructure": ("hosting_pool", "vpn", "mixture"),
        },
    ),
    Tactic(
        name="single_loud",
        mixes=(
            {"reasoning": 1.0},
            {"coding": 1.0},
            {"rubric_grading": 1.0},
            {"instruction_following": 1.0},
            {"tool_use": 1.0},
        ),
        single=True,
        axes=_ONE,
    ),
    Tactic(name="data_analyst", mixes=({"data_analysis": 1.0}, {"data_analysis": 0.7, "coding": 0.3}), size=(0.3, 1.2)),
)

HELD_OUT: tuple[Tactic, ...] = (
    Tactic(
        name="self_instruct",
        mixes=({"instruction_following": 1.0}, {"coding": 0.5, "instruction_following": 0.5}),
        axes={"infrastructure": ("cloud", "rotating6"), "allocation": ("shuffled_blocks",)},
    ),
    Tactic(
        name="self_play",
        mixes=({"instruction_following": 0.5, "reasoning": 0.5}, {"agentic_coding": 1.0}),
        turns=(4, 8),
        axes={"infrastructure": ("rotating6", "residential"), "timing": ("human", "weekly")},
    ),
    Tactic(
        name="preference_pairs",
        mixes=({"rubric_grading": 1.0}, {"rubric_grading": 0.6, "policy_rewriting": 0.4}),
        axes={"allocation": ("shuffled_blocks", "resample"), "timing": ("weekly", "synchronised")},
    ),
)

BY_NAME = {tactic.name: tactic for tactic in (*BUILTIN, *HELD_OUT)}
