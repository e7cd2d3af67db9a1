"""What a provider does with what a scan says: rules from verdict, confidence and probability to an action.

A policy is a TOML file. It decides about accounts, never about single exchanges, and never without a campaign.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Literal

import msgspec

from stillwatch.config import Detection
from stillwatch.errors import ConfigError
from stillwatch.model import Campaign, Member, Verdict

Action = Literal["observe", "throttle", "challenge", "close"]
# from mild to severe; whatever is stronger than the first touches an account
ACTIONS: tuple[Action, ...] = ("observe", "throttle", "challenge", "close")
SHIPPED = Path(__file__).parent / "policies"


class Rule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``action`` for members of campaigns with one of ``verdicts``.

    ``min_confidence``: of the campaign; ``min_probability``: of the account; ``accused``: only accounts with evidence
    of their own. Raising either number spares honest accounts and lets more of the harvest through.
    """

    action: Action
    verdicts: tuple[Verdict, ...] = ("extraction",)
    min_confidence: float = 0.9
    min_probability: float = 0.5
    accused: bool = True


class Policy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When a provider looks and what it does.

    ``scan_every_h``: simulated hours from one scan to the next. ``window_days``: how far back each looks.
    ``effect_lag_h``: hours from a scan until its decisions take effect. ``throttle_per_day``: calls a throttled account
    has left in a day. ``challenge_again_days``: how long a passed challenge counts. ``rules``: the strongest action of
    those that hold is taken; without rules nothing is enforced. ``detection``: as in the scan's configuration.
    """

    scan_every_h: float = 24.0
    window_days: float = 10.0
    effect_lag_h: float = 2.0
    throttle_per_day: int = 4
    challenge_again_days: float = 5.0
    rules: tuple[Rule, ...] = ()
    detection: Detection = Detection()


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """One account, what is done about it, and why."""

    platform: str
    account_id: str
    action: Action
    verdict: Verdict
    campaign_id: str
    confidence: float
    probability: float

    @property
    def account(self) -> tuple[str, str]:
        return self.platform, self.account_id


def decide(policy: Policy, campaigns: tuple[Campaign, ...]) -> list[Decision]:
    """The strongest action per account that any rule gives for any campaign it is in."""
    strongest: dict[tuple[str, str], Decision] = {}
    for campaign in campaigns:
        for member in campaign.roster:
            action = _action(policy.rules, campaign, member)
            before = strongest.get((member.platform, member.account_id))
            if action is None or (before and ACTIONS.index(before.action) >= ACTIONS.index(action)):
                continue
            strongest[member.platform, member.account_id] = Decision(
                platform=member.platform,
                account_id=member.account_id,
                action=action,
                verdict=campaign.verdict,
                campaign_id=campaign.campaign_id,
                confidence=campaign.confidence,
                probability=member.probability,
            )
    return [strongest[name] for name in sorted(strongest)]


def _action(rules: tuple[Rule, ...], campaign: Campaign, member: Member) -> Action | None:
    holding = [
        ACTIONS.index(rule.action)
        for rule in rules
        if campaign.verdict in rule.verdicts
        and campaign.confidence >= rule.min_confidence
        and member.probability >= rule.min_probability
        and (member.accused or not rule.accused)
    ]
    return ACTIONS[max(holding)] if holding else None


def load_policy(name: str) -> Policy:
    """A policy by the name of a shipped one (``standard``, ``off``) or by its file. Raises ConfigError."""
    known = {path.stem: path for path in sorted(SHIPPED.glob("*.toml"))}
    path = known.get(name) or Path(name)
    if not path.is_file():
        raise ConfigError("no such policy", where=name, hint=f"a TOML file, or one of {', '.join(known)}")
    try:
        policy = msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), Policy)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"not valid TOML: {error}", where=str(path)) from error
    except msgspec.ValidationError as error:
        raise ConfigError(str(error), where=str(path)) from error
    _check(policy, str(path))
    return policy


def _check(policy: Policy, where: str) -> None:
    rules = {
        "scan_every_h must be at least 1": policy.scan_every_h >= 1,
        "window_days must be at least 1": policy.window_days >= 1,
        "effect_lag_h must not be negative": policy.effect_lag_h >= 0,
        "throttle_per_day must not be negative": policy.throttle_per_day >= 0,
        "challenge_again_days must not be negative": policy.challenge_again_days >= 0,
        "rules: confidence and probability must lie within 0..1": all(
            0 <= value <= 1 for rule in policy.rules for value in (rule.min_confidence, rule.min_probability)
        ),
    }
    problems = [says for says, holds in rules.items() if not holds]
    if problems:
        raise ConfigError("; ".join(problems), where=where)
