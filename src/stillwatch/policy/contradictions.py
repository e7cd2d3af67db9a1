"""What a policy may not say although every word of it is allowed, and what it may say but hardly means.

Refused: rules that can never hold, rules that accuse without a reason, protections that protect nothing. Doubted: a
stronger action that asks less than a milder one, and rules that another always outdoes.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from itertools import permutations

from stillwatch.model import Scope
from stillwatch.policy.rules import Policy, Protection, Rule, Written, WrittenRule, touches

Found = Iterator[tuple[str, str]]
PER_ACCOUNT = frozenset({"throttle", "challenge"})  # an exchange by itself can be neither slowed nor asked for proof


def contradictions(written: Written) -> Found:
    """(key, what is wrong) of every contradiction, in the order of the file."""
    for number, protection in enumerate(written.protected, 1):
        yield from _protection(protection, f"protected[{number}]")
    names = Counter(rule.name for rule in written.rules)
    shielded = {one.plan for one in written.protected if one.plan is not None}
    for number, rule in enumerate(written.rules, 1):
        key = f"rules.{rule.name}" if names[rule.name] == 1 else f"rules[{number}]"
        if names[rule.name] > 1:
            yield f"{key}.name", f"{names[rule.name]} rules are called {rule.name}; a decision names its rule"
        yield from _never(rule, shielded, key)
        yield from _unjust(rule, rule.scope or written.defaults.scope, key)
        yield from _action(rule, written, key)


def _protection(protection: Protection, key: str) -> Found:
    named = [bool(protection.account), bool(protection.organisation.strip()), protection.plan is not None]
    if sum(named) != 1:
        yield key, "names one of account, organisation and plan, no more and no fewer"
    if protection.account and not all(protection.account.partition("/")):
        yield f"{key}.account", f"{protection.account} is not platform/account_id"
    if protection.unverified and not protection.organisation:
        yield f"{key}.unverified", "is about an organisation only"
    if protection.plan == "unknown":
        yield f"{key}.plan", "a plan that is not known cannot be protected"


def _never(rule: WrittenRule, shielded: set[str], key: str) -> Found:
    for name in ("verdicts", "who"):
        if not getattr(rule, name):
            yield f"{key}.{name}", "is empty, so that the rule can never hold"
    if rule.min_age_d is not None and rule.max_age_d is not None and rule.min_age_d > rule.max_age_d:
        yield f"{key}.min_age_d", f"{rule.min_age_d:g} is above max_age_d = {rule.max_age_d:g}: it can never hold"
    if rule.who == ("recognised",):
        yield from _never_recognised(rule, key)
    if rule.plans and touches(rule.action) and set(rule.plans) <= shielded:
        yield f"{key}.plans", "every plan it is about is protected, so that it can never act"


def _never_recognised(rule: WrittenRule, key: str) -> Found:
    """Between minings an account's evidence is its signature, and what it harvested is not known."""
    others = sorted(set(rule.families) - {"signature"})
    if others:
        yield f"{key}.families", f"a recognised account has evidence of the family signature alone, not {others[0]}"
    if rule.min_families > 1:
        yield f"{key}.min_families", "a recognised account has evidence of one family alone: it can never hold"
    if rule.min_account_harvest:
        yield f"{key}.min_account_harvest", "what a recognised account harvested is not known: it can never hold"


def _unjust(rule: WrittenRule, scope: Scope, key: str) -> Found:
    if rule.action == "deny" and "coordinated" in rule.verdicts:
        yield f"{key}.verdicts", "coordination alone never bans: leave coordinated out, or choose challenge at most"
    if touches(rule.action) and "possible" in rule.who:
        yield f"{key}.who", f"accounts that are merely linked are only observed, never {rule.action}"
    if scope == "campaign" and touches(rule.action) and "recognised" in rule.who:
        yield f"{key}.scope", "one recognised account does not convict its campaign: who has to be accused alone"


def _action(rule: WrittenRule, written: Written, key: str) -> Found:
    scope = rule.scope or written.defaults.scope
    if rule.action == "throttle" and rule.throttle_per_h is None:
        yield f"{key}.throttle_per_h", "is missing: how many exchanges an hour are left"
    if rule.action != "throttle" and rule.throttle_per_h is not None:
        yield f"{key}.throttle_per_h", f"is about throttle, not {rule.action}"
    if scope == "exchange" and rule.action in PER_ACCOUNT:
        yield f"{key}.scope", f"a {rule.action} is of an account, never of one exchange"
    jitter = written.defaults.jitter_s if rule.jitter_s is None else rule.jitter_s
    duration = written.defaults.duration_h if rule.duration_h is None else rule.duration_h
    if jitter >= duration * 3600:
        yield f"{key}.jitter_s", f"{jitter:g} is not shorter than duration_h = {duration:g}"


def doubts(policy: Policy) -> Found:
    """(key, what looks wrong), in the order of the file."""
    for strong, mild in permutations(policy.rules, 2):
        if strong.rank <= mild.rank or not touches(mild.action) or not _meet(strong, mild):
            continue
        for name in ("min_confidence", "min_probability"):
            ours, theirs = getattr(strong, name), getattr(mild, name)
            if ours < theirs:
                says = f"{ours:g} is milder than the {theirs:g} of {mild.name}, and {strong.action} the stronger"
                yield f"rules.{strong.name}.{name}", says
    for rule in policy.rules:
        outdone = next((other for other in policy.rules if outdoes(other, rule)), None)
        if outdone is not None:
            yield f"rules.{rule.name}", f"never wins: {outdone.name} asks no more and does more"
    for rule in policy.rules:
        if rule.action in {"challenge", "deny"} and rule.min_confidence < 0.5:
            yield f"rules.{rule.name}.min_confidence", f"{rule.min_confidence:g}: most such campaigns would be wrong"


def _meet(left: Rule, right: Rule) -> bool:
    """Whether one account may meet both."""
    return bool(set(left.verdicts) & set(right.verdicts)) and bool(set(left.who) & set(right.who))


def outdoes(strong: Rule, mild: Rule) -> bool:
    """Whether wherever ``mild`` holds, ``strong`` holds too, and is stronger."""
    return strong.rank > mild.rank and _no_more(strong, mild)


def _no_more(strong: Rule, mild: Rule) -> bool:
    numbers = (
        "min_confidence",
        "min_probability",
        "min_account_harvest",
        "min_campaign_harvest",
        "min_full_traces",
        "min_operator_bits",
        "min_harvest_bits",
        "min_age_d",
    )
    return (
        all(_least(strong, name) <= _least(mild, name) for name in numbers)
        and set(mild.verdicts) <= set(strong.verdicts)
        and set(mild.who) <= set(strong.who)
        and all(mild.families.get(f, -1.0) >= bits for f, bits in strong.families.items())
        and all(mild.campaign_families.get(f, -1.0) >= bits for f, bits in strong.campaign_families.items())
        and (strong.min_families, strong.min_family_bits) in {(0, strong.min_family_bits), _families(mild)}
        and all(_covers(getattr(strong, name), getattr(mild, name)) for name in ("plans", "verifications"))
        and (strong.max_age_d is None or (mild.max_age_d is not None and mild.max_age_d <= strong.max_age_d))
        and (not strong.capabilities or _capabilities(strong) == _capabilities(mild))
    )


def _least(rule: Rule, name: str) -> float:
    value = getattr(rule, name)
    return -math.inf if value is None else float(value)


def _families(rule: Rule) -> tuple[int, float]:
    return rule.min_families, rule.min_family_bits


def _capabilities(rule: Rule) -> tuple[frozenset[str], float]:
    return frozenset(rule.capabilities), rule.min_capability_share


def _covers(wide: tuple[str, ...], narrow: tuple[str, ...]) -> bool:
    return not wide or (bool(narrow) and set(narrow) <= set(wide))
