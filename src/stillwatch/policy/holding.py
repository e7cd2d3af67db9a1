"""Whether a rule holds for an account, and why.

What is not known never meets a condition that asks for it: an account of unknown age is neither young nor old, and
one of unknown plan is not on the plan ``free``.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from stillwatch.policy.rules import PLANS, VERIFICATIONS, Protection, Rule
from stillwatch.policy.standing import Standing

DAY = timedelta(days=1)


def holds(rule: Rule, standing: Standing, now: datetime, slack: float = 0.0) -> bool:
    """Whether everything the rule asks is so. ``slack``: how far certainty may lie below the rule's least."""
    return (
        standing.verdict in rule.verdicts
        and standing.confidence >= rule.min_confidence - slack
        and standing.probability >= rule.min_probability - slack
        and found_as(standing) in rule.who
        and _evidence_holds(rule, standing)
        and _account_holds(rule, standing, now)
        and _harm_holds(rule, standing)
    )


def found_as(standing: Standing) -> str:
    """How it is known that the account belongs: the ``Who`` of a rule."""
    return "accused" if standing.accused else "recognised" if standing.recognised else "possible"


def _evidence_holds(rule: Rule, standing: Standing) -> bool:
    own, of_campaign = standing.evidence, standing.campaign_evidence
    return (
        all(own.get(family, 0.0) >= bits and family in own for family, bits in rule.families.items())
        and all(f in of_campaign and of_campaign[f] >= bits for f, bits in rule.campaign_families.items())
        and sum(bits >= rule.min_family_bits for bits in own.values()) >= rule.min_families
        and (rule.min_operator_bits is None or standing.operator_bits >= rule.min_operator_bits)
        and (rule.min_harvest_bits is None or standing.harvest_bits >= rule.min_harvest_bits)
    )


def _account_holds(rule: Rule, standing: Standing, now: datetime) -> bool:
    if rule.plans and (standing.plan if standing.plan in PLANS else "unknown") not in rule.plans:
        return False
    step = standing.verification if standing.verification in VERIFICATIONS else "unknown"
    if rule.verifications and step not in rule.verifications:
        return False
    if rule.max_age_d is not None and (standing.created_at is None or _days(standing.created_at, now) > rule.max_age_d):
        return False
    # an account is at least as old as its first exchange
    begun = [at for at in (standing.created_at, standing.first_seen) if at is not None]
    return rule.min_age_d is None or (bool(begun) and _days(min(begun), now) >= rule.min_age_d)


def _harm_holds(rule: Rule, standing: Standing) -> bool:
    return (
        _at_least(standing.harvest_exchanges, rule.min_account_harvest)
        and _at_least(standing.campaign_harvest, rule.min_campaign_harvest)
        and _at_least(standing.full_traces, rule.min_full_traces)
        and (
            not rule.capabilities
            or sum(standing.capabilities.get(name, 0.0) for name in rule.capabilities) >= rule.min_capability_share
        )
    )


def _at_least(count: int | None, least: int) -> bool:
    return least == 0 or (count is not None and count >= least)


def _days(since: datetime, now: datetime) -> float:
    return (now - since) / DAY


def reasons(rule: Rule, standing: Standing) -> tuple[str, ...]:
    """Why the rule holds, in sentences a person can check; only for a standing that it holds for."""
    sure = rule.min_confidence
    says = [
        f"{standing.verdict}, campaign {standing.campaign_id}: confidence {standing.confidence:.3f}, asks {sure:g}",
        f"account {found_as(standing)}: probability {standing.probability:.3f}, asks {rule.min_probability:g}",
    ]
    if standing.evidence:
        strongest = sorted(standing.evidence.items(), key=lambda item: (-item[1], item[0]))[:5]
        says.append("evidence of its own, in bits: " + ", ".join(f"{f} {bits:+.1f}" for f, bits in strongest))
    if standing.harvest_exchanges is not None:
        says.append(f"harvested: {standing.harvest_exchanges} exchanges, its campaign {standing.campaign_harvest}")
    else:
        says.append(f"harvested by its campaign: {standing.campaign_harvest} exchanges")
    if rule.says:
        says.append(rule.says)
    return tuple(says)


def shields(protection: Protection, standing: Standing, now: datetime) -> bool:
    """Whether the protection covers the account at this moment."""
    if now >= protection.until:
        return False
    if protection.account:
        return protection.account == f"{standing.platform}/{standing.account_id}"
    if protection.plan is not None:
        return standing.plan == protection.plan
    if standing.org is None or _folded(standing.org) != _folded(protection.organisation):
        return False
    return protection.unverified or standing.verification == "organisation"


def _folded(name: str) -> str:
    return " ".join(name.casefold().split())
