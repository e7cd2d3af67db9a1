"""Results made by hand: what detection might say about a hydra, a resale pool, a lone harvester, look-alikes, nobody.

The numbers are invented but agree with each other; the strings of ``hostile`` are meant to break out of HTML, JSON,
terminals and file names.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from math import sin

import pyarrow as pa

from stillwatch.model import (
    Axis,
    Campaign,
    Evidence,
    InputSummary,
    Link,
    LookAlike,
    Member,
    ModelPivot,
    NotApplicable,
    ScanResult,
    Succession,
    TimelinePoint,
)
from stillwatch.tables import ACCOUNT_SCORES

START = datetime(2026, 3, 2, tzinfo=UTC)
REASONS = ("same payment card", "same wrapper sentence", "same header order", "lists that never overlap")

HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "</title></style></svg><script src=//evil.example/x.js></script>",
    "javascript:alert(1)",
    "{{ 7*7 }}{% raw %}",
    "acct-\u202egnp.exe\u202c",
    "zero\u200bwidth\u0000nul\u001b[31mred\u001b]8;;http://evil.example\u0007",
    "[bold red]markup[/] \\[x]",
    "long-" + "x" * 5000,
    "--><!-- ]]> &lt;&amp; &#60;",
    "<b>bold</b><a href='http://evil.example'>x</a>",
)


def evidence(name: str, family: str, axis: Axis, bits: float, says: str, ids: int = 3) -> Evidence:
    examples = tuple(f"ex-{name}-{number:04d}" for number in range(ids))
    return Evidence(name=name, family=family, axis=axis, bits=bits, says=says, exchange_ids=examples)


OPERATOR_EVIDENCE = (
    evidence("payment.shared", "payment", "operator", 9.4, "58 of 60 accounts pay with one of 3 cards"),
    evidence("stack.shared", "client", "operator", 3.1, "all accounts send headers in one rare order"),
    evidence("stack.version", "client", "operator", 1.2, "51 accounts upgraded their SDK within the same hour"),
    evidence("partition.list", "content", "operator", 12.7, "one list of 9,400 prompts is split without overlap", 20),
    evidence("time.hours", "timing", "operator", -2.3, "activity follows five time zones, not one shift"),
)
HARVEST_EVIDENCE = (
    evidence(
        "coverage.even", "coverage", "harvest", 7.9, "prompts cover 212 topics almost evenly, none is asked twice"
    ),
    evidence("follow_ups.none", "conversation", "harvest", 5.2, "no follow-up in 11,840 conversations"),
    evidence("lexical.elicitation", "lexical", "harvest", 3.3, "74% of prompts ask for the reasoning step by step"),
    evidence("output.varied", "output", "harvest", -1.6, "answers vary in length as people's do"),
)


def member(number: int, prefix: str, *, accused: bool = True, platform: str = "api", volume: int = 200) -> Member:
    first = START + timedelta(hours=number % 30)
    own = (
        evidence("payment.own", "payment", "operator", 4.0 - number % 3, f"pays with card {number % 3}", 0),
        evidence("wrapper.own", "content", "harvest", 3.0, "192 of 200 prompts stand in the campaign's wrapper", 2),
        evidence("age.own", "age", "operator", -0.5, "the account is older than the campaign", 0),
    )
    return Member(
        platform=platform,
        account_id=f"{prefix}-{number:04d}",
        probability=0.99 - number % 7 * 0.02 if accused else 0.41 - number % 5 * 0.03,
        accused=accused,
        exchanges=volume,
        harvest_exchanges=int(volume * 0.93) if accused else 0,
        first_seen=first,
        last_seen=first + timedelta(days=12),
        created_at=None if number % 9 == 0 else first - timedelta(days=3 + number % 40),
        closed_at=first + timedelta(days=6) if number % 8 == 3 else None,
        evidence=own if accused else own[2:],
    )


def ring_of_links(size: int, each: int = 3) -> tuple[Link, ...]:
    links = []
    for left in range(size):
        for step in range(1, each + 1):
            right = (left + step * step) % size
            if left != right:
                bits = 14.0 - 2.5 * step + (left % 10) / 10
                links.append(Link(left=left, right=right, bits=bits, reasons=REASONS[: 1 + (left + step) % 4]))
    return tuple({(min(x.left, x.right), max(x.left, x.right)): x for x in links}.values())


def timeline(days: int, per_hour: int) -> tuple[TimelinePoint, ...]:
    points = []
    for hour in range(days * 24):
        share = 0.0 if hour < 200 else min(1.0, (hour - 200) / 24)
        volume = int(per_hour * (1.2 + 0.4 * sin(hour / 4)))
        for model, part in (("still-3", 1 - share * 0.7), ("still-4", share * 0.5), ("still-4-mini", share * 0.2)):
            count = int(volume * part)
            if count:
                at = START + timedelta(hours=hour)
                points.append(TimelinePoint(at=at, model=model, exchanges=count, harvest_exchanges=int(count * 0.9)))
    return tuple(points)


def hydra(size: int = 60, possible: int = 6, campaign_id: str = "c-hydra-7f3a") -> Campaign:
    members = [member(n, "hy", platform="bedrock" if n % 5 == 4 else "api") for n in range(size)]
    members += [member(n, "near", accused=False) for n in range(possible)]
    closed = [position for position, one in enumerate(members[:size]) if one.closed_at is not None]
    successions = tuple(
        Succession(
            closed=position,
            successor=(position + 1) % size,
            closed_at=members[position].closed_at or START,
            resumed_at=(members[position].closed_at or START) + timedelta(minutes=7),
            says="its share of the prompt list was taken up 7 minutes later",
        )
        for position in closed[:5]
    )
    return Campaign(
        campaign_id=campaign_id,
        verdict="extraction",
        confidence=0.9712,
        roster=tuple(members),
        exchanges=size * 200 + possible * 200,
        extraction_exchanges=size * 186,
        first_seen=START,
        last_seen=START + timedelta(days=13),
        platforms={"api": size * 160, "bedrock": size * 40},
        models={"still-3": size * 120, "still-4": size * 60, "still-4-mini": size * 20},
        capabilities={"reasoning": 0.62, "rubric_grading": 0.271, "agentic_coding": 0.06, "other": 0.049},
        model_pivots=(ModelPivot(at=START + timedelta(hours=212), to_model="still-4", share=0.4712),),
        evidence=OPERATOR_EVIDENCE + HARVEST_EVIDENCE,
        operator_bits=18.4,
        harvest_bits=12.1,
        links=ring_of_links(size + possible),
        timeline=timeline(13, size),
        successions=successions,
    )


def resale_pool() -> Campaign:
    return Campaign(
        campaign_id="c-pool-11c0",
        verdict="resale",
        confidence=0.88,
        roster=tuple(member(n, "pool", volume=900) for n in range(25)),
        exchanges=22_500,
        extraction_exchanges=0,
        first_seen=START,
        last_seen=START + timedelta(days=4),
        platforms={"api": 22_500},
        models={"still-3": 22_500},
        capabilities={},
        model_pivots=(),
        evidence=(
            *OPERATOR_EVIDENCE[:2],
            evidence(
                "people.many", "diversity", "resale", 8.2, "about 410 people with nothing in common behind 25 accounts"
            ),
            evidence("coverage.none", "coverage", "harvest", -6.6, "people ask again, rephrase and follow up"),
        ),
        operator_bits=10.5,
        harvest_bits=-8.0,
        links=ring_of_links(25),
        timeline=timeline(4, 60),
    )


def loner() -> Campaign:
    return Campaign(
        campaign_id="c-solo-0b21",
        verdict="extraction",
        confidence=0.91,
        roster=(member(0, "solo", volume=8_000),),
        exchanges=8_000,
        extraction_exchanges=7_600,
        first_seen=START + timedelta(days=1),
        last_seen=START + timedelta(days=1, hours=9),
        platforms={"vertex": 8_000},
        models={"still-3": 8_000},
        capabilities={"rubric_grading": 1.0},
        model_pivots=(),
        evidence=HARVEST_EVIDENCE,
        operator_bits=0.0,
        harvest_bits=14.2,
        timeline=tuple(
            TimelinePoint(at=START + timedelta(days=1, hours=h), model="still-3", exchanges=890, harvest_exchanges=850)
            for h in range(9)
        ),
    )


LOOKALIKES = (
    LookAlike(
        says="a class of 34 on one campus network: shared address, prompts of one exercise sheet, but people follow up",
        account_count=34,
        operator_bits=6.1,
        harvest_bits=-7.4,
        accounts=tuple(("api", f"class-{n:03d}") for n in range(34)),
        evidence=(
            evidence("address.shared", "network", "operator", 6.1, "34 accounts behind one address"),
            evidence("follow_ups.many", "conversation", "harvest", -7.4, "62% of conversations go on, many rephrase"),
        ),
    ),
    LookAlike(
        says="an evaluation harness of a declared organisation: looks like harvest and hides nothing",
        account_count=120,
        operator_bits=-3.0,
        harvest_bits=5.5,
        accounts=tuple(("bedrock", f"eval-{n:03d}") for n in range(50)),
        evidence=(
            evidence("declared.org", "organisation", "operator", -3.0, "one declared legal entity pays for all"),
        ),
    ),
)


def result_of(*campaigns: Campaign, lookalikes: tuple[LookAlike, ...] = LOOKALIKES) -> ScanResult:
    return ScanResult(
        input=InputSummary(
            exchanges=250_000,
            accounts=9_000,
            quarantined=17,
            first=START,
            last=START + timedelta(days=14),
            missing_columns=("ja4", "header_signature", "client_asn"),
            duplicate_exchanges=4,
            extra_columns=("x_region",),
        ),
        campaigns=campaigns,
        lookalikes=lookalikes,
        not_applicable=(
            NotApplicable(detector="stack.shared", because="ja4 and header_signature are null in every row"),
            NotApplicable(detector="asn.shared", because="client_asn is missing"),
        ),
        model_first_seen={
            "still-3": START,
            "still-4": START + timedelta(hours=201),
            "still-4-mini": START + timedelta(hours=205),
        },
        configuration_digest="9c1185a5c5e9",
        version="0.1.0",
    )


def scores_of(result: ScanResult) -> pa.Table:
    """The per-account table that goes with a result: its members, its look-alikes, and one account nobody suspects."""
    rows = [
        {
            "platform": one.platform,
            "account_id": one.account_id,
            "exchanges": one.exchanges,
            "campaign_id": campaign.campaign_id if one.accused else None,
            "verdict": campaign.verdict if one.accused else None,
            "probability": one.probability,
            "extraction_bits": 5.5,
            "coordination_bits": 4.25,
        }
        for campaign in result.campaigns
        for one in campaign.roster
    ]
    quiet = [("api", "quiet-0001"), *(account for group in result.lookalikes for account in group.accounts)]
    rows += [
        {
            "platform": p,
            "account_id": a,
            "exchanges": 12,
            "probability": 0.01,
            "extraction_bits": -2.0,
            "coordination_bits": -1.0,
        }
        for p, a in quiet
    ]
    return pa.Table.from_pylist(rows, schema=ACCOUNT_SCORES)


def hostile_result() -> ScanResult:
    """Every free string of a result is an attack."""
    bad = [evidence("x", "x", "operator", 3.0, text, 0) for text in HOSTILE]
    items = tuple(
        Evidence(name=e.says, family=e.says, axis="harvest" if n % 2 else "operator", bits=4.0 - n, says=e.says,
                 exchange_ids=HOSTILE)
        for n, e in enumerate(bad)
    )  # fmt: skip
    members = tuple(
        Member(platform=text, account_id=text, probability=0.9 if n % 2 else 0.3, accused=bool(n % 2), exchanges=5,
               harvest_exchanges=4, first_seen=START, last_seen=START, closed_at=START, evidence=items[n : n + 1])
        for n, text in enumerate(HOSTILE)
    )  # fmt: skip
    one = Campaign(
        campaign_id=HOSTILE[1],
        verdict="extraction",
        confidence=0.9,
        roster=members,
        exchanges=60,
        extraction_exchanges=48,
        first_seen=START,
        last_seen=START + timedelta(hours=5),
        platforms=dict.fromkeys(HOSTILE, 5),
        models=dict.fromkeys(HOSTILE, 5),
        capabilities={"reasoning": 1.0},
        model_pivots=tuple(ModelPivot(at=START, to_model=text, share=0.5) for text in HOSTILE),
        evidence=items,
        operator_bits=9.0,
        harvest_bits=8.0,
        links=tuple(Link(left=0, right=n, bits=5.0, reasons=HOSTILE) for n in range(1, len(HOSTILE))),
        timeline=tuple(
            TimelinePoint(at=START + timedelta(hours=n % 5), model=text, exchanges=5, harvest_exchanges=4)
            for n, text in enumerate(HOSTILE)
        ),
        successions=tuple(
            Succession(closed=n, successor=n + 1, closed_at=START, resumed_at=START, says=text)
            for n, text in enumerate(HOSTILE[:-1])
        ),
    )
    groups = tuple(
        LookAlike(says=text, account_count=2, operator_bits=1, harvest_bits=1, accounts=((text, text),), evidence=items)
        for text in HOSTILE
    )
    base = result_of(one, lookalikes=groups)
    return ScanResult(
        input=base.input,
        campaigns=base.campaigns,
        lookalikes=groups,
        not_applicable=tuple(NotApplicable(detector=text, because=text) for text in HOSTILE),
        model_first_seen=dict.fromkeys(HOSTILE, START + timedelta(hours=1)),
        configuration_digest=HOSTILE[0],
        version=HOSTILE[1],
    )
