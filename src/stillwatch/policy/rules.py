"""What a policy consists of: the form people write, and the form that is decided by.

A rule maps what is known of an account to one action of the ladder ``model.ACTIONS``. Every number in a rule is a
*least*: certainty and harm can only ever move an account up the ladder, never down. That is why there is no
``max_confidence``. The only upper bound is on an account's age.
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Annotated, Literal, get_args

import msgspec
from msgspec import Meta

from stillwatch.model import ACTIONS, Action, Scope, Verdict

Share = Annotated[float, Meta(ge=0, le=1)]
Bits = Annotated[float, Meta(ge=0, le=1000)]
Count = Annotated[int, Meta(ge=0)]
Days = Annotated[float, Meta(ge=0, le=36_500)]
Hours = Annotated[float, Meta(ge=1, le=8_760)]  # nothing is decided for longer than a year
Jitter = Annotated[float, Meta(ge=0, le=86_400)]
Words = Annotated[str, Meta(min_length=1)]
# how sure it is that an account belongs: named by a mining, matched since by signature, or merely linked
Who = Literal["accused", "recognised", "possible"]
Plan = Literal["free", "trial", "pay_as_you_go", "enterprise", "education", "research", "startup", "unknown"]
PLANS: tuple[Plan, ...] = get_args(Plan)
Verification = Literal["none", "email", "phone", "payment", "organisation", "unknown"]
VERIFICATIONS: tuple[Verification, ...] = get_args(Verification)
Capability = Literal[
    "reasoning",
    "rubric_grading",
    "coding",
    "agentic_coding",
    "tool_use",
    "orchestration",
    "data_analysis",
    "vision",
    "computer_use",
    "policy_rewriting",
    "instruction_following",
    "other",
]
INVERSES: dict[Action, str] = {
    "observe": "nothing was done, so nothing is restored",
    "watermark": "later answers are not marked; what was marked stays marked",
    "withhold_reasoning": "later answers carry their reasoning again; what was withheld is not sent after",
    "throttle": "the account's own limits hold again; what was refused is not replayed",
    "challenge": "no proof is asked any more; a proof already given stays given",
    "deny": "the account is let in again with the same credentials; what was refused is not replayed",
}


class Cap(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How much may be touched before a second person has to approve. None: not bounded by this measure.

    ``accounts``: how many. ``traffic_share``, ``revenue_share``: of all exchanges and of all revenue (0..1). Where
    a bounded share is not known of an account, its decision waits. Raising any of them lets more happen unseen.
    """

    accounts: Count | None = None
    traffic_share: Share | None = None
    revenue_share: Share | None = None


class Total(Cap, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The cap over all rules together, of what was newly touched in the last ``window_h`` hours."""

    window_h: Hours = 24.0


class Defaults(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What holds for a rule that does not say otherwise. See ``Rule`` for what each means."""

    scope: Scope = "account"
    min_confidence: Share = 0.9
    min_probability: Share = 0.9
    duration_h: Hours = 168.0
    jitter_s: Jitter = 900.0
    cap: Cap = Cap()


class Asked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a rule asks of an account, in any form. An empty list or table, a zero and None ask nothing.

    ``verdicts``: on the campaign. ``who``: how the account was found. ``families``, ``campaign_families``: families
    of evidence that must speak for it, each with its least bits: of the account's own, of the campaign's.
    ``min_families``: how many families of the account's own evidence reach ``min_family_bits``. ``min_operator_bits``,
    ``min_harvest_bits``: of the campaign, by axis. ``plans``, ``verifications``: any of these; ``unknown`` has to be
    named to count. ``min_age_d``, ``max_age_d``: days since sign-up. ``min_account_harvest``, ``min_campaign_harvest``:
    exchanges already harvested. ``min_full_traces``: answers with full reasoning the account already has.
    ``capabilities``: what is harvested, together at least ``min_capability_share`` of it.
    """

    name: Words
    action: Action
    says: str = ""
    verdicts: tuple[Verdict, ...] = ("extraction",)
    who: tuple[Who, ...] = ("accused",)
    families: dict[str, Bits] = {}
    campaign_families: dict[str, Bits] = {}
    min_families: Count = 0
    min_family_bits: Bits = 1.0
    min_operator_bits: Bits | None = None
    min_harvest_bits: Bits | None = None
    plans: tuple[Plan, ...] = ()
    verifications: tuple[Verification, ...] = ()
    min_age_d: Days | None = None
    max_age_d: Days | None = None
    min_account_harvest: Count = 0
    min_campaign_harvest: Count = 0
    min_full_traces: Count = 0
    capabilities: tuple[Capability, ...] = ()
    min_capability_share: Share = 0.5


class WrittenRule(Asked, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A rule as it is written: None is filled from the defaults."""

    scope: Scope | None = None
    min_confidence: Share | None = None
    min_probability: Share | None = None
    throttle_per_h: Annotated[float, Meta(ge=0, le=1_000_000)] | None = None
    duration_h: Hours | None = None
    jitter_s: Jitter | None = None
    cap: Cap | None = None


class Rule(Asked, frozen=True, kw_only=True):
    """A rule as it is decided by.

    ``min_confidence``: of the campaign. ``min_probability``: of the account. ``value``: exchanges an hour that a
    throttle leaves. ``duration_h``: until it ends by itself. ``jitter_s``: it starts up to so many seconds late, so
    that reaction time teaches nothing. ``scope``: which exchanges it is about: ``exchange``, those that look like the
    campaign's; ``account``, all of the account; ``campaign``, all of every account that is accused or recognised of
    the campaign, as soon as one of them meets the rule.
    """

    scope: Scope
    min_confidence: float
    min_probability: float
    value: float | None
    duration_h: float
    jitter_s: float
    cap: Cap

    @property
    def rank(self) -> tuple[int, float]:
        """Where its action stands on the ladder; the larger the stronger. Of throttles the tighter is stronger."""
        return rank(self.action, self.value)

    @property
    def inverse(self) -> str:
        """What undoing it restores, and what it does not."""
        return INVERSES[self.action]


class Protection(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who is never touched by anything stronger than observing, why, and until when.

    One of ``account`` (``platform/account_id``), ``organisation`` (as the account declared it) and ``plan``. Anybody
    can declare an organisation, so that its name protects only accounts whose organisation was verified;
    ``unverified = true`` lifts that.
    """

    account: str = ""
    organisation: str = ""
    plan: Plan | None = None
    reason: Words
    until: datetime
    unverified: bool = False


class Budget(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Honest-looking accounts that may be touched within ``window_h`` hours before everything goes back to shadow.

    ``appeals_won``, ``challenges_passed``, ``fell_away`` (verdicts that a later mining did not repeat), ``vouched``
    (accounts on an enterprise plan or with a verified organisation): each an account at most once; None does not
    count. ``accounts``: of any kind together. ``share``: of all accounts touched, once ``share_from`` are. Raising any
    lets a wrong policy run longer.
    """

    window_h: Hours = 168.0
    appeals_won: Count | None = 2
    challenges_passed: Count | None = 10
    fell_away: Count | None = 5
    vouched: Count | None = 0
    accounts: Count | None = 10
    share: Share | None = 0.05
    share_from: Count = 20


class Written(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A policy file as it is written."""

    version: Words
    description: str = ""
    slack: Annotated[float, Meta(ge=0, le=0.2)] = 0.02
    defaults: Defaults = Defaults()
    cap: Total = Total()
    disarm: Budget = Budget()
    protected: tuple[Protection, ...] = ()
    rules: tuple[WrittenRule, ...] = ()


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """A policy as it is decided by. ``version`` is what people call it; ``digest`` is what it is.

    ``slack``: how far confidence and probability may sink below a rule's least before what it decided is taken back,
    so that a figure that trembles around a threshold does not open and close accounts.
    """

    version: str
    description: str
    slack: float
    cap: Total
    disarm: Budget
    protected: tuple[Protection, ...]
    rules: tuple[Rule, ...]
    digest: str = ""


def rank(action: Action, value: float | None = None) -> tuple[int, float]:
    """The order of the ladder, mildest first."""
    return ACTIONS.index(action), -(value or 0.0) if action == "throttle" else 0.0


def touches(action: Action) -> bool:
    """Whether the account notices, or is treated unlike others: everything but observing."""
    return action != ACTIONS[0]


def digest_of(policy: Policy) -> str:
    """Of the effective values: comments and the order of keys make no new version, a changed number does."""
    bare = msgspec.structs.replace(policy, digest="")
    return hashlib.sha256(msgspec.json.encode(bare, order="deterministic")).hexdigest()[:16]
