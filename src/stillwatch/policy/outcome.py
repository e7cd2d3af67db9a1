"""What deciding says: what is new, what no longer holds, what waits for a person, and whom a protection spared."""

from __future__ import annotations

from typing import Literal

import msgspec

from stillwatch.model import Action, Decision

# how a text begins that says why a decision was taken back or held; told apart by whoever reads decisions later
LAPSED = "lapsed: "
DISARMED = "disarmed: "
HELD = "held: "
LapseKind = Literal["fell_away", "weakened", "superseded", "policy", "protected", "mode"]
SAYS: dict[LapseKind, str] = {
    "fell_away": "the verdict on the account fell away",
    "weakened": "the account is less certain than the rule asks",
    "superseded": "another decision takes its place",
    "policy": "the active policy does not ask for it",
    "protected": "the account is protected",
    "mode": "it is no longer to be enforced",
}


class Lapse(msgspec.Struct, frozen=True, kw_only=True):
    """A decision to undo because it no longer holds. ``because`` is what to give the store."""

    decision_id: str
    platform: str
    account_id: str
    kind: LapseKind
    because: str


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """A new decision that waits for a second person, and which cap it would have gone past."""

    decision_id: str
    platform: str
    account_id: str
    because: str


class Spared(msgspec.Struct, frozen=True, kw_only=True):
    """What a rule asked for and was not decided: the account is protected, or a person took it back before."""

    platform: str
    account_id: str
    action: Action
    rule: str
    campaign_id: str | None
    because: str


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """``new`` holds the held ones too. ``kept``: how many standing decisions stay as they are."""

    new: tuple[Decision, ...] = ()
    lapse: tuple[Lapse, ...] = ()
    held: tuple[Held, ...] = ()
    spared: tuple[Spared, ...] = ()
    kept: int = 0


def lapse_of(decision: Decision, kind: LapseKind) -> Lapse:
    """The lapse of a decision, for one of the known reasons."""
    return Lapse(
        decision_id=decision.decision_id,
        platform=decision.platform,
        account_id=decision.account_id,
        kind=kind,
        because=f"{LAPSED}{SAYS[kind]}",
    )


def fell_away(decision: Decision) -> bool:
    """Whether it was taken back because a later mining did not repeat the verdict."""
    return decision.undone_because == f"{LAPSED}{SAYS['fell_away']}"
