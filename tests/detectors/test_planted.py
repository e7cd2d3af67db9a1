"""Each detector is high on what it is for, and low on the innocent who look like it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from built_scenes import START, Row, exchange, scene_of, suspect_of
from stillwatch.campaigns.weights import load_weights
from stillwatch.detectors import BUILTIN, Measurement

Columns = Callable[[int, int], dict[str, Any]]
ACCOUNTS, PER = 8, 16
TOWNS = ("Oslo", "Lima", "Quito", "Dakar", "Hanoi", "Perth", "Turin", "Kyoto", "Davao", "Bergen")
THINGS = ("rivers", "bridges", "markets", "museums", "gardens", "trains", "harbours", "towers", "islands", "bakeries")
DETECTORS = {detector.name: detector for detector in BUILTIN}


def item(number: int) -> str:
    """One of a list of prompts on mixed topics."""
    return f"Describe the {THINGS[number % 10]} of {TOWNS[number // 10 % 10]} as they were {number + 3} years ago."


def hours(a: int, j: int) -> float:
    return 11.0 * j + a * 0.37


def log(  # noqa: PLR0913 - each is one thing a story may fix
    columns: Columns,
    *,
    accounts: int = ACCOUNTS,
    per: Callable[[int], int] = lambda _: PER,
    at: Callable[[int, int], float] = hours,
    strangers: int = 40,
    theirs: Columns = lambda _a, _j: {},
    side: Callable[[int], dict[str, Any]] | None = None,
    found_in: str = "network",
    p: dict[str, float] | None = None,
) -> Measure:
    """Members ``m00``.. whose rows have these columns, among strangers; measured by a detector's name."""
    rows: list[Row] = []
    for a in range(accounts):
        rows += [exchange(1_000 * a + j, f"m{a:02d}", at(a, j), **columns(a, j)) for j in range(per(a))]
    for s in range(strangers):
        rows += [exchange(500_000 + 10 * s + j, f"s{s:02d}", 9.0 * s + j, **theirs(s, j)) for j in range(3)]
    names = [f"m{a:02d}" for a in range(accounts)] + [f"s{s:02d}" for s in range(strangers)]
    table = [{"account_id": name, **side(i)} for i, name in enumerate(names)] if side else None
    scene = scene_of(rows, table, load_weights())
    suspect = suspect_of(scene, [f"m{a:02d}" for a in range(accounts)], found_in, **(p or {}))
    return lambda name: DETECTORS[name].measure(suspect)


Measure = Callable[[str], Measurement | None]
Case = tuple[Measure, Measure]


def members(value: Any, own: Any = None) -> Callable[[int], Any]:
    """``value`` for members and something of their own for everybody else."""
    return lambda i: value if i < ACCOUNTS else own and f"{own}{i}"


def shared(column: str, value: Any, other: Callable[[int], Any]) -> Case:
    """Members have a value that nobody else has; and the twin, whose value everybody has."""
    return (
        log(lambda _a, _j: {column: value}, theirs=lambda s, _j: {column: other(s)}),
        log(lambda _a, _j: {column: value}, theirs=lambda _s, _j: {column: value}),
    )


def shared_on_the_side(column: str, value: Any, other: Callable[[int], Any]) -> Case:
    return (
        log(lambda _a, _j: {}, side=lambda i: {column: value if i < ACCOUNTS else other(i)}),
        log(lambda _a, _j: {}, side=lambda _i: {column: value}),
    )


def prompts(guilty: Callable[[int, int], str], innocent: Callable[[int, int], str], **more: Any) -> Case:
    return log(lambda a, j: {"prompt": guilty(a, j)}, **more), log(lambda a, j: {"prompt": innocent(a, j)}, **more)


def numbers(column: str, guilty: Callable[[int, int], int], innocent: Callable[[int, int], int], **also: int) -> Case:
    return (
        log(lambda a, j: {column: guilty(a, j), **also}),
        log(lambda a, j: {column: innocent(a, j), **also}),
    )


def mixed(a: int, j: int) -> int:
    return (a * 37 + j * 101) % 97


def failover() -> Case:
    """A refused request goes to the next account within half a minute; people try again themselves."""

    def rows(hop: bool) -> Measure:  # noqa: FBT001
        def columns(a: int, j: int) -> dict[str, Any]:
            asker = (a - (j % 2 if hop else 0)) % ACCOUNTS
            return {"prompt": item(asker * 20 + j // 2), "status_code": 200 if j % 2 else 429}

        return log(columns, at=lambda a, j: 11.0 * (j // 2) + a * 0.37 * (not hop) + (j % 2) * 30 / 3600)

    return rows(hop=True), rows(hop=False)


def replacement() -> Case:
    """Closed accounts give way to new ones; or strangers are closed and nobody steps in."""

    def begins(a: int, j: int) -> float:
        return (0 if a < 4 else 130) + j * 3.0

    def closed(of_members: bool) -> Callable[[int], dict[str, Any]]:  # noqa: FBT001
        def side(i: int) -> dict[str, Any]:
            gone = i < 4 if of_members else i in range(20, 24)
            return {"closed_at": START + timedelta(hours=100) if gone else None}

        return side

    return log(lambda _a, _j: {}, at=begins, side=closed(True)), log(lambda _a, _j: {}, at=begins, side=closed(False))


def pivot() -> Case:
    def moves(at_h: float) -> Columns:
        return lambda a, j: {"request_model": "new" if hours(a, j) > at_h else "old"}

    def stays(s: int, j: int) -> dict[str, Any]:
        return {"request_model": "new" if s == 30 and j == 2 else "old"}

    theirs: Columns = stays
    fast = log(moves(100), theirs=theirs, at=lambda a, j: hours(a, j) if j < 9 else 100 + (a + 8 * j) * 0.2)
    return fast, log(lambda _a, _j: {"request_model": "old"}, theirs=theirs)


def cohesion() -> Case:
    """Every member has the address and the card; or half have the address and the other half the card."""

    def group(address: Callable[[int], bool], card: Callable[[int], bool]) -> Measure:
        def columns(a: int, _j: int) -> dict[str, Any]:
            return {"client_address": "203.0.113.1" if address(a) else f"203.0.113.{a + 10}"}

        return log(
            columns,
            theirs=lambda s, _j: {"client_address": f"198.51.100.{s // 2}"},
            side=lambda i: {"payment_token": "card" if i < ACCOUNTS and card(i) else f"card{i}"},
        )

    return group(lambda _: True, lambda _: True), group(lambda a: a < 4, lambda a: a >= 4)


def common_purpose(doing: Callable[[int, int], bool]) -> Measure:
    """Some exchanges carry a set of tools that nobody else has."""

    def columns(a: int, j: int) -> dict[str, Any]:
        return {"prompt": item(a * PER + j), "tool_names": ["lathe", "kiln"] if doing(a, j) else [f"tool{a}"]}

    return log(columns, theirs=lambda s, _j: {"prompt": item(s), "tool_names": [f"other{s // 2}"]})


def pool() -> Case:
    """Every member goes out through the same few addresses, or each through as many of its own."""
    return (
        log(lambda a, j: {"client_address": f"203.0.113.{(a + j) % 8}"}),
        log(
            lambda a, j: {"client_address": f"203.0.{a}.{j % 8}"},
            theirs=lambda s, _j: {"client_address": f"198.51.100.{s // 2}"},
        ),
    )


def rented() -> Case:
    return (
        log(lambda _a, _j: {"client_network": "hosting"}, theirs=lambda _s, _j: {"client_network": "residential"}),
        log(lambda _a, _j: {"client_network": "residential"}, theirs=lambda _s, _j: {"client_network": "hosting"}),
    )


def agreement() -> Case:
    """A card, an address and a client nobody else has; or each of them as common as rain."""

    def columns(_a: int, _j: int) -> dict[str, Any]:
        return {"client_address": "203.0.113.1", "ja4": "t13d", "key_id": "k1"}

    def own(s: int, _j: int) -> dict[str, Any]:
        return {"client_address": f"198.51.100.{s // 2}", "ja4": f"own{s // 2}", "key_id": f"own{s // 2}"}

    return log(columns, theirs=own), log(columns, theirs=columns)


def held_out() -> Case:
    return (
        log(lambda _a, _j: {}, p={"payment": 1e-9, "network": float("nan")}),
        log(lambda _a, _j: {}, p={"payment": 0.4, "signup": 0.7}),
    )


def openness() -> Case:
    return (
        log(lambda _a, _j: {}, side=lambda _i: {"plan": "pro", "verification": "none"}),
        log(lambda _a, _j: {}, side=lambda i: {"plan": "enterprise" if i < ACCOUNTS else "pro"}),
    )


def organisation() -> Case:
    return log(lambda _a, _j: {}), log(lambda _a, _j: {"org_id": "acme"})


def settings() -> Case:
    """One configuration for every account, or as many as there are people."""
    return (
        log(lambda _a, _j: {"max_tokens": 4_096, "temperature": 0.7}),
        log(lambda a, j: {"max_tokens": 512 * (a + 1), "temperature": 0.1 * (j % 4)}),
    )


def level() -> Case:
    return log(lambda _a, _j: {}), log(lambda _a, _j: {}, per=lambda a: 2 ** (a % 8))


def in_step() -> Case:
    """Bursts of everybody in the same irregular hours, or as many hours of each member's own."""
    bursts = [(j * j * 7 + j * 3) % 300 for j in range(PER)]
    return (
        log(lambda _a, _j: {}, at=lambda a, j: bursts[j] + a / 100),
        log(lambda _a, _j: {}, at=lambda a, j: (bursts[j] + a * 41) % 300),
    )


def flat() -> Case:
    return (
        log(lambda _a, _j: {}, at=lambda a, j: (a * PER + j) * 1.0),
        log(lambda _a, _j: {}, at=lambda a, j: 24.0 * j + 9 + a),
    )


def followed() -> Case:
    """Single shots, or conversations of eight turns."""

    def turns(length: int) -> Columns:
        return lambda a, j: {"prompt": item(a * PER + j), "conversation_id": f"{a}/{j // length}",
                             "message_count": 1 + 2 * (j % length)}  # fmt: skip

    return log(turns(1)), log(turns(8))


def rephrased() -> Case:
    def again(a: int, j: int) -> str:
        return f"{'so ' * (j % 4)}describe the {THINGS[a]} of {TOWNS[(a + j // 4) % 10]} for a school talk"

    return prompts(lambda a, j: item(a * PER + j), again, at=lambda a, j: a * 7.0 + j / 30)


def template() -> Case:
    """A wrapper around a slot; or the same sentences from somebody else's pen."""
    wrapped = "You are a careful and patient teacher of sums. {} Write down every step before the answer."

    def theirs(s: int, j: int) -> dict[str, Any]:
        return {"prompt": wrapped.format(f"How much are {s} and {j} put together?")}

    return (
        log(lambda a, j: {"prompt": wrapped.format(f"How much is {a} times {j} and a half?")}),
        log(lambda a, j: {"prompt": item(a * PER + j)}, theirs=theirs),
    )


def purpose() -> Case:
    """Nearly all of the members' work carries a tool set of theirs, or a tenth of it does."""

    def tools(every: int, left: int) -> Columns:
        return lambda a, j: {"prompt": item(a * PER + j),
                             "tool_names": ["lathe", "kiln"] if (j % every == 0) == (left == 0) else None}  # fmt: skip

    def theirs(s: int, _j: int) -> dict[str, Any]:
        return {"prompt": f"What is new in {TOWNS[s % 10]}?", "tool_names": [f"tool{s // 2}"]}

    return log(tools(8, 1), theirs=theirs), log(tools(8, 0), theirs=theirs)


def asks(guilty: str) -> Case:
    return prompts(
        lambda a, j: guilty.format(item(a * PER + j)),
        lambda a, j: f"good morning, what should we cook tonight with {THINGS[mixed(a, j) % 10]}",
    )


def team(s: int) -> str:
    return f"You help team {TOWNS[s % 10]} {THINGS[s // 10]}."


SIX_AIMS = (
    "write a python function that sorts {}",
    "translate this into french: {}",
    "prove that {} is prime step by step",
    "plan a weekend trip around {}",
    "grade this essay from 1 to 10: {}",
    "plot the csv column {} by month",
)


def narrow() -> Case:
    return prompts(
        lambda a, j: f"Write a Python function that returns the {mixed(a, j)}th prime number, with unit tests.",
        lambda a, j: SIX_AIMS[j % 6].format(mixed(a, j)),
    )


def people() -> Case:
    """An account that carries many strangers, each with a set-up of their own; or one person's."""

    def of(many: int) -> Columns:
        return lambda a, j: {
            "prompt": item(a * PER + j),
            "end_user_id": f"{a}/{j % many}",
            "system_prompt": f"You help customer {j % many} of shop {a} with their order politely.",
            "user_agent": f"client/{j % many}",
        }

    return log(of(8)), log(of(1))


EIGHT_TOPICS = (
    "integrate x^{0} from 0 to {1} and show the algebra",
    "what should i pack for {0} days in Oslo with {1} kids",
    "fix this stack trace: KeyError {0} in line {1}",
    "write a poem about {0} boats and {1} gulls",
    "is {0}kg too heavy for a {1} month old cat",
    "summarise chapter {0} of the tax code in {1} lines",
    "name {0} rivers that are longer than {1} km",
    "how do i say good evening to {0} guests in turkish",
)


def topics() -> Case:
    """Needs enough prompts for kinds of traffic to be learned."""
    return prompts(
        lambda a, j: EIGHT_TOPICS[j % 8].format(a + 2, j + 3),
        lambda a, j: EIGHT_TOPICS[a].format(a + 2, j + 3),
        per=lambda _: 40,
    )


def humans() -> Case:
    """Careless starts and conversations, or neither."""

    def rows(person: bool) -> Measure:  # noqa: FBT001
        return log(
            lambda a, j: {
                "prompt": item(a * PER + j)[1:] if person else item(a * PER + j),
                "message_count": 1 + 2 * (j % 4) * person,
            }
        )

    return rows(person=True), rows(person=False)


def one_by_one() -> Case:
    """Even answers to even prompts around the clock, or talk of all lengths in office hours."""

    def machine(a: int, j: int) -> dict[str, Any]:
        return {"prompt": item(a * 40 + j), "output_tokens": 900 + j, "input_tokens": 60, "message_count": 1}

    def person(a: int, j: int) -> dict[str, Any]:
        prompt = f"and what about {'that ' * 2 ** (j % 6)}{TOWNS[a]}?"
        turn = {"output_tokens": 2 ** (j % 10), "input_tokens": 2 ** (j % 12), "message_count": 1 + 2 * (j % 6)}
        return {"prompt": prompt, **turn}

    def office(a: int, j: int) -> float:
        return 24.0 * (j // 8) + 9 + j % 8 + a * 0.01

    return log(machine, per=lambda _: 40), log(person, per=lambda _: 40, at=office)


PLANTED: dict[str, Callable[[], Case]] = {
    "each_alone": one_by_one,
    "least_alone": one_by_one,
    "shared_payment": lambda: shared_on_the_side("payment_token", "card", lambda i: f"own{i // 2}"),
    "shared_network": lambda: shared("client_address", "203.0.113.1", lambda s: f"198.51.100.{s // 2}"),
    "shared_client": lambda: shared("ja4", "t13d1516h2", lambda s: f"own{s // 2}"),
    "shared_signup": lambda: shared_on_the_side("created_at", START, lambda i: START + timedelta(days=i // 2)),
    "shared_sessions": lambda: shared("key_id", "key", lambda s: f"own{s // 2}"),
    "shared_content": lambda: shared(
        "system_prompt", "You label rows for us.", lambda s: f"You help team {TOWNS[s % 10]} {THINGS[s // 10]}."
    ),
    "shared_params": lambda: shared("max_tokens", 3_331, lambda s: 100 * (s // 2) + 100),
    "families_agree": agreement,
    "holds_together": cohesion,
    "clear_edge": lambda: shared("client_address", "203.0.113.1", lambda s: f"198.51.100.{s // 2}"),
    "weakest_ties": lambda: shared("client_address", "203.0.113.1", lambda s: f"198.51.100.{s // 2}"),
    "all_take_part": lambda: (common_purpose(lambda _a, _j: True), common_purpose(lambda a, _j: a < ACCOUNTS // 2)),
    "one_purpose": lambda: (common_purpose(lambda _a, _j: True), common_purpose(lambda _a, j: j < PER // 4)),
    "address_pool": pool,
    "rented_network": rented,
    "held_out_view": held_out,
    "interchangeable_accounts": lambda: prompts(
        lambda a, j: item(mixed(a, j)), lambda a, j: f"Describe the {THINGS[a]} of {TOWNS[a]} on day {j}."
    ),
    "level_quota": level,
    "synchrony": in_step,
    "failover": failover,
    "ban_succession": replacement,
    "model_pivot": pivot,
    "says_who_it_is": openness,
    "one_organisation": organisation,
    "partitioned_list": lambda: prompts(lambda a, j: item(a * PER + j), lambda _a, j: item(j)),
    "resampling": lambda: prompts(lambda a, j: item((a * PER + j) // 4), lambda a, j: item(a * PER + j)),
    "distinct_items": lambda: prompts(lambda a, j: item(a * PER + j), lambda _a, j: item(j % 4)),
    "accounts_run": organisation,
    "one_setting": settings,
    "no_follow_ups": followed,
    "no_rephrasing": rephrased,
    "even_length": lambda: prompts(lambda a, j: item(a * PER + j), lambda a, j: f"Say {'so ' * 2 ** (j % 8)}{a}."),
    "no_careless_starts": lambda: prompts(lambda a, j: item(a * PER + j), lambda a, j: item(a * PER + j)[1:]),
    "narrow_purpose": purpose,
    "swept_template": template,
    "flat_hours": flat,
    "long_outputs": lambda: numbers("output_tokens", lambda a, j: 1500 + mixed(a, j), lambda a, j: 5 + mixed(a, j) % 9),
    "output_over_input": lambda: numbers(
        "output_tokens", lambda a, j: 1500 + mixed(a, j), lambda a, j: 5 + mixed(a, j) % 9, input_tokens=200
    ),
    "even_input": lambda: numbers("input_tokens", lambda a, j: 200 + mixed(a, j), lambda _a, j: 2 ** (j % 12)),
    "even_output": lambda: numbers("output_tokens", lambda a, j: 200 + mixed(a, j), lambda _a, j: 2 ** (j % 12)),
    "elicits_reasoning": lambda: asks(
        "{} Think step by step and write out your complete chain of thought before you give the final answer."
    ),
    "grades_by_rubric": lambda: asks(
        "Grade this response from 1 to 10 by the rubric: accuracy, depth, style. Output only the score. Response: {}"
    ),
    "rewrites_policy": lambda: asks(
        "Rewrite the following answer so that it refuses politely and complies with the safety policy: {}"
    ),
    "narrow_capability": narrow,
    "many_people_per_account": people,
    "topics_per_account": topics,
    "people_write": humans,
    "sessions_move": lambda: shared("conversation_id", "talk", lambda s: f"own{s // 2}"),
}


@pytest.mark.parametrize("name", PLANTED)
def test_a_detector_tells_the_planted_from_the_innocent_twin(name: str) -> None:
    guilty, innocent = (measure(name) for measure in PLANTED[name]())
    assert guilty is not None, "cannot tell what was planted for it"
    assert innocent is None or guilty.x > innocent.x + 0.1 * max(abs(guilty.x), 0.5), (guilty, innocent)
    assert guilty.says


def test_every_detector_has_something_planted_for_it() -> None:
    assert {detector.name for detector in BUILTIN} - set(PLANTED) == set()


def test_a_purpose_that_fills_all_exchanges_counts_at_least_like_one_that_fills_most() -> None:
    def theirs(s: int, _j: int) -> dict[str, Any]:
        return {"prompt": f"What is new in {TOWNS[s % 10]}?", "tool_names": [f"tool{s // 2}"]}

    pure = log(lambda a, j: {"prompt": item(a * PER + j), "tool_names": ["lathe", "kiln"]}, theirs=theirs)
    found = pure("narrow_purpose")
    assert found is not None
    assert found.x > 0.9
