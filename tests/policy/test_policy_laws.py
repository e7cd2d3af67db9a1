"""Laws that hold for every policy that compiles, on every standing."""

from __future__ import annotations

from collections import Counter

import msgspec
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from known_standings import DAY, HARVESTER, HOUR, KEY, NOW, policy_of

from stillwatch.model import ACTIONS, Decision, Mode
from stillwatch.policy.book import applied, in_force
from stillwatch.policy.decide import decide
from stillwatch.policy.rules import Policy, rank, touches
from stillwatch.policy.standing import Standing

LEVELS = (0.0, 0.5, 0.8, 0.89, 0.9, 0.95, 0.97, 1.0)
PROTECTED = '[[protected]]\naccount = "api/a0"\nreason = "known"\nuntil = 2027-01-01T00:00:00Z\n'


@st.composite
def rules(draw: st.DrawFn) -> dict[str, str]:
    action = draw(st.sampled_from(ACTIONS))
    verdicts = ["extraction", "resale"] if action == "deny" else ["extraction", "resale", "coordinated"]
    scopes = ["account", "campaign"] if action in {"throttle", "challenge"} else ["account", "campaign", "exchange"]
    scope = draw(st.sampled_from(scopes))
    sure = ["accused"] if scope == "campaign" else ["accused", "recognised"]
    found_as = draw(st.sets(st.sampled_from(sure if touches(action) else ["accused", "possible"]), min_size=1))
    rule = {
        "action": f'"{action}"',
        "min_confidence": str(draw(st.sampled_from(LEVELS))),
        "min_probability": str(draw(st.sampled_from(LEVELS))),
        "verdicts": str(sorted(draw(st.sets(st.sampled_from(verdicts), min_size=1)))),
        "who": str(sorted(found_as)),
        "scope": f'"{scope}"',
        "jitter_s": str(draw(st.sampled_from([0, 900]))),
        "duration_h": str(draw(st.sampled_from([1, 2, 168]))),
    }
    if action == "throttle":
        rule["throttle_per_h"] = str(draw(st.sampled_from([0, 5, 50])))
    if draw(st.booleans()) and "accused" in found_as:
        rule["min_account_harvest"] = str(draw(st.sampled_from([0, 50])))
    if draw(st.booleans()):
        rule["cap"] = f"{{accounts = {draw(st.integers(0, 3))}}}"
    return rule


@st.composite
def policies(draw: st.DrawFn) -> Policy:
    found = draw(st.lists(rules(), min_size=1, max_size=5))
    head = f'version = "v"\nslack = {draw(st.sampled_from([0.0, 0.02]))}\n' + draw(st.sampled_from(["", PROTECTED]))
    head += draw(st.sampled_from(["", "[cap]\naccounts = 3\n", "[cap]\ntraffic_share = 0.02\n"]))
    text = head + "".join(
        f'[[rules]]\nname = "r{n}"\n' + "".join(f"{key} = {value}\n" for key, value in rule.items())
        for n, rule in enumerate(found)
    )
    return policy_of(text)


@st.composite
def standings(draw: st.DrawFn) -> tuple[Standing, ...]:
    keys = draw(st.lists(st.tuples(st.integers(0, 5), st.sampled_from(["c0", "c1", None])), unique=True, max_size=8))
    return tuple(sorted((draw(standing_of(n, campaign)) for n, campaign in keys), key=lambda s: s.account))


@st.composite
def standing_of(draw: st.DrawFn, number: int, campaign: str | None) -> Standing:
    found = draw(st.sampled_from(["accused", "recognised", "possible"]))
    return msgspec.structs.replace(
        HARVESTER,
        account_id=f"a{number}",
        campaign_id=campaign,
        verdict=draw(st.sampled_from(["extraction", "extraction", "resale", "coordinated"])) if campaign else None,
        confidence=draw(st.sampled_from(LEVELS)),
        probability=draw(st.sampled_from(LEVELS)),
        accused=found == "accused",
        recognised=found == "recognised",
        harvest_exchanges=draw(st.sampled_from([None, 0, 800])),
        traffic_share=draw(st.sampled_from([None, 0.001, 0.015])),
    )


MODES = st.sampled_from(["shadow", "staged", "armed", "armed", "armed", "off"])
LAW = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def strongest(decisions: tuple[Decision, ...], account: tuple[str, str]) -> tuple[int, float]:
    return max((rank(d.action, d.value) for d in decisions if (d.platform, d.account_id) == account), default=(-1, 0.0))


@LAW
@given(policies(), standings(), standings(), MODES, MODES, st.sampled_from([0, 0.5, 2, 20, 168]))
def test_deciding_again_on_the_same_gives_nothing_new(
    policy: Policy, first: tuple[Standing, ...], then: tuple[Standing, ...], was: Mode, is_now: Mode, hours: float
) -> None:
    live = decide(policy, first, [], NOW, was, 0.5, KEY).new
    at = NOW + hours * HOUR
    outcome = decide(policy, then, live, at, is_now, 0.5, KEY)
    again = decide(policy, then, applied(live, outcome, at), at, is_now, 0.5, KEY)
    assert (again.new, again.lapse) == ((), ())


@LAW
@given(policies(), standings(), st.integers(0, 7), st.sampled_from(LEVELS), st.sampled_from(LEVELS))
def test_more_certainty_never_gives_a_milder_action(
    policy: Policy, known: tuple[Standing, ...], which: int, confidence: float, probability: float
) -> None:
    assume(known)
    one = known[which % len(known)]
    more = msgspec.structs.replace(
        one, confidence=max(one.confidence, confidence), probability=max(one.probability, probability)
    )
    before = decide(policy, known, [], NOW, "armed").new
    after = decide(policy, tuple(more if s is one else s for s in known), [], NOW, "armed").new
    assert strongest(after, one.account) >= strongest(before, one.account)


@LAW
@given(policies(), standings(), st.randoms())
def test_the_order_of_standings_does_not_matter(policy: Policy, known: tuple[Standing, ...], random: object) -> None:
    shuffled = list(known)
    random.shuffle(shuffled)
    assert decide(policy, shuffled, [], NOW, "armed", 1.0, KEY) == decide(policy, known, [], NOW, "armed", 1.0, KEY)


@LAW
@given(policies(), standings())
def test_nobody_is_touched_who_must_not_be(policy: Policy, known: tuple[Standing, ...]) -> None:
    by_account: dict[tuple[str, str], list[Standing]] = {}
    for standing in known:
        by_account.setdefault(standing.account, []).append(standing)
    for decision in decide(policy, known, [], NOW, "armed").new:
        of = by_account[decision.platform, decision.account_id]
        if touches(decision.action):
            assert any(s.accused or s.recognised for s in of if s.campaign_id == decision.campaign_id)
            assert not (policy.protected and decision.account_id == "a0")
        if decision.action == "deny":
            assert decision.verdict != "coordinated"


@LAW
@given(policies(), standings(), standings(), st.sampled_from([1, 30, 160]))
def test_each_account_has_one_thing_done_to_it_at_a_time(
    policy: Policy, first: tuple[Standing, ...], then: tuple[Standing, ...], hours: int
) -> None:
    live: tuple[Decision, ...] = ()
    for at, known in ((NOW, first), (NOW + hours * HOUR, then), (NOW + (hours + 1) * HOUR, then)):
        live = applied(live, decide(policy, known, live, at, "armed", key=KEY), at)
        assert len({d.decision_id for d in live}) == len(live)
    at = NOW + (hours + 1) * HOUR
    acting = [d for d in live if in_force(d, at) and d.starts_at <= at]
    assert max(Counter((d.account_id, d.action, d.value) for d in acting).values(), default=0) <= 1
    waiting = Counter(d.account_id for d in live if d.held and d.undone_at is None and d.expires_at > at)
    assert max(waiting.values(), default=0) <= 1


@LAW
@given(policies(), standings(), st.floats(0, 1), st.floats(0, 1))
def test_a_larger_stage_enforces_everything_a_smaller_one_does(
    policy: Policy, known: tuple[Standing, ...], one: float, other: float
) -> None:
    small, large = (
        {d.account_id for d in decide(policy, known, [], NOW, "staged", share, KEY).new if not d.simulated}
        for share in sorted((one, other))
    )
    assert small <= large


@LAW
@given(policies(), standings())
def test_undoing_the_standings_takes_everything_back(policy: Policy, known: tuple[Standing, ...]) -> None:
    live = decide(policy, known, [], NOW, "armed", key=KEY).new
    cleared = tuple(Standing(platform="api", account_id=f"a{n}") for n in range(6))
    at = NOW + 0.5 * HOUR
    outcome = decide(policy, cleared, live, at, "armed", key=KEY)
    assert outcome.new == ()
    assert len(outcome.lapse) == len(live)
    assert not any(in_force(d, at) for d in applied(live, outcome, at))


def test_the_history_of_a_week_stays_stable() -> None:
    policy = policy_of('version = "x"\n[[rules]]\nname = "r"\naction = "deny"\nduration_h = 24\n')
    live: tuple[Decision, ...] = ()
    for hour in range(24 * 7):
        at = NOW + hour * HOUR
        live = applied(live, decide(policy, [HARVESTER], live, at, "armed", key=KEY), at)
        started = hour == 0 or any(in_force(d, at) and d.starts_at <= at for d in live)
        assert started, f"a gap at hour {hour}"
    assert len(live) == 1 + 7 * DAY // (24 * HOUR)
