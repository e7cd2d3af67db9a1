"""Many accounts that belong together, or only seem to, and have every right to: classes, firms, families, crowds."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice

import msgspec

from stillwatch.compose import habits, network
from stillwatch.compose.calendar import DAY_S, HOUR_S, spread
from stillwatch.compose.crowd import access, converse, found
from stillwatch.compose.dice import Dice
from stillwatch.compose.honest.people import CURVES, agent_loop, quotas, sweep
from stillwatch.compose.ledger import Account, Ledger
from stillwatch.compose.network import Egress
from stillwatch.compose.signup import domain, firm, member, person
from stillwatch.compose.text import words, wrappers
from stillwatch.compose.text.grammar import Voice, rephrase


def _parts(dice: Dice, accounts: int, low: int, high: int) -> list[int]:
    """Group sizes between ``low`` and ``high`` that add up to ``accounts`` (the last may be smaller)."""
    parts: list[int] = []
    while accounts > 0:
        parts.append(min(accounts, dice.whole(low, high)))
        accounts -= parts[-1]
    return parts


def _each(
    dice: Dice, accounts: int, exchanges: int, low: int, high: int, compose: Callable[[Dice, list[int]], None]
) -> None:
    shares, start = quotas(dice, accounts, exchanges, 0.9), 0
    for number, size in enumerate(_parts(dice, accounts, low, high)):
        compose(dice.child(str(number)), shares[start : start + size])
        start += size


def families(ledger: Ledger, dice: Dice, accounts: int, exchanges: int) -> None:
    """A household: one card, one line, different people."""

    def one(dice: Dice, shares: list[int]) -> None:
        country, card = network.country(dice), dice.token()
        ways = access(dice, ledger, country)
        for quota in shares:
            account = found(
                ledger,
                dice,
                "family",
                country=country,
                signup=person(dice, country, card),
                egress=ways,
                kinds=("browser",),
            )
            converse(ledger, account, dice, quota, curve="evening")

    _each(dice, accounts, exchanges, 2, 4, one)


def startups(ledger: Ledger, dice: Dice, accounts: int, exchanges: int) -> None:
    """A team nobody declared: freemail or a young domain, one card, one office, one product being built."""

    def one(dice: Dice, shares: list[int]) -> None:
        country, card, site = network.country(dice), dice.token(), domain(dice) if dice.chance(0.4) else None
        office, system = network.office(dice, country), ledger.book.persona(dice)
        name, tools = firm(dice), tuple(dice.sample(words.TOOLS, 4))
        born = dice.between(-60.0, 8.0)
        joint = iter(ledger.book.batch(dice, sum(shares))) if dice.chance(0.3) else None
        for quota in shares:
            signup = person(dice, country, card if dice.chance(0.7) else None)
            if site and dice.chance(0.7):
                signup = msgspec.structs.replace(signup, email_domain=site)
            account = found(
                ledger,
                dice,
                "startup_team",
                country=country,
                signup=signup,
                egress=(office, network.home(dice, country)),
                kinds=("sdk", "sdk", "agent", "browser"),
                created_s=(born + dice.heavy(2, 1.2, 0, 30)) * DAY_S,
                organisation=name,
            )
            half = max(1, quota // 2)
            converse(
                ledger,
                account,
                dice,
                half,
                system=system,
                tools=tools if dice.chance(0.5) else None,
                curve="office",
                voice=Voice(dice, network.LANGUAGE[country], 0.7),
            )
            mine = list(islice(joint, half)) if joint else ledger.book.batch(dice, half)
            texts = [wrappers.personal(dice).put_on(text) if dice.chance(0.3) else text for text in mine]
            sweep(ledger, account, dice, texts, task="label", system=system)

    _each(dice, accounts, exchanges, 3, 9, one)


def enterprises(ledger: Ledger, dice: Dice, accounts: int, exchanges: int) -> None:
    """Declared: hundreds of accounts, one card, few offices, shared templates from the internal prompt library."""

    def one(dice: Dice, shares: list[int]) -> None:
        country, card, site, name, org = network.country(dice), dice.token(), domain(dice), firm(dice), dice.token(12)
        offices = [network.office(dice, country, 4) for _ in range(dice.whole(1, 3))]
        library = [
            wrappers.dress(dice, capability, loose=True)
            for capability in ("reasoning", "coding", "rubric_grading", "instruction_following")
        ]
        born = dice.between(-200, 4)
        for quota in shares:
            signup = member(
                dice, country, site, card, name, "enterprise", dice.weighted(("organisation", "payment"), (5, 1))
            )
            account = found(
                ledger,
                dice,
                "enterprise",
                country=country,
                signup=signup,
                egress=(dice.pick(offices), network.home(dice, country)),
                created_s=(born + dice.heavy(0.5, 1.5, 0, 60)) * DAY_S,
                organisation=name,
                org=org if dice.chance(0.8) else None,
            )
            if dice.chance(0.3):
                dress = dice.pick(library)
                sweep(
                    ledger,
                    account,
                    dice,
                    [dress.put_on(text) for text in ledger.book.batch(dice, quota)],
                    task="label",
                    system=dress.system,
                )
            else:
                converse(ledger, account, dice, quota, curve="office", system=dice.pick(library).system)

    _each(dice, accounts, exchanges, 60, 250, one)


def academics(ledger: Ledger, dice: Dice, accounts: int, exchanges: int) -> None:
    """A laboratory that generates synthetic data and says so: research plan, one domain, shared scripts and lists."""

    def one(dice: Dice, shares: list[int]) -> None:
        country, name = network.country(dice), f"University of {dice.pick(words.PLACES)}"
        site, lab, card = f"{dice.pick(words.PLACES).lower()}.edu", network.campus(dice, country, 3), dice.token()
        capability = dice.pick(("reasoning", "coding", "instruction_following", "rubric_grading", "tool_use"))
        dress = wrappers.dress(dice, capability, loose=True)
        _, items = ledger.book.items(dice, capability, sum(shares))
        for quota in shares:
            signup = member(
                dice,
                country,
                site,
                card if dice.chance(0.6) else None,
                name,
                dice.pick(("research", "education")),
                "organisation",
            )
            account = found(
                ledger,
                dice,
                "academic_group",
                country=country,
                signup=signup,
                egress=(lab, network.server(dice)),
                kinds=("sdk", "framework"),
                organisation=name,
            )
            part = [dress.put_on(item) for item in dice.sample(items, quota)]
            sweep(ledger, account, dice, part, task="reason", system=dress.system)

    _each(dice, accounts, exchanges, 3, 12, one)


def _wave(  # noqa: PLR0913, PLR0917 - a wave is this much
    ledger: Ledger,
    dice: Dice,
    label: str,
    shares: list[int],
    venue: Egress,
    country: str,
    spread_h: float,
    site: str | None,
    talk: Callable[[Account, int, float], None],
    name: str | None,
) -> None:
    """Sign-ups within hours of a moment, from one place; then each goes their own way."""
    start = dice.between(-3.0, ledger.calendar.days - 5.0) * DAY_S
    for quota in shares:
        signup = person(dice, country)
        if site and dice.chance(0.75):
            signup = msgspec.structs.replace(signup, email_domain=site, plan="education")
        elif dice.chance(0.7):
            signup = msgspec.structs.replace(
                signup, plan="trial", payment=None, billing_country=None, verification=dice.pick(("email", "phone"))
            )
        born = start + dice.heavy(spread_h / 2, 0.8, 0.01, 80.0) * HOUR_S
        account = found(
            ledger,
            dice,
            label,
            country=country,
            signup=signup,
            egress=(venue, network.home(dice, country)),
            created_s=born if dice.chance(0.85) else None,
            organisation=name,
            kinds=("sdk", "browser", "sdk", "agent"),
        )
        account.signup = msgspec.structs.replace(signup, signup_address=venue.address(account.index, max(0.0, born), 0))
        talk(account, quota, max(0.0, born))


def classes(ledger: Ledger, dice: Dice, accounts: int, exchanges: int) -> None:
    """A course: one assignment sheet, everyone's own tries, retries and panic before the deadline."""

    def one(dice: Dice, shares: list[int]) -> None:
        country = network.country(dice)
        _, sheet = ledger.book.items(dice, dice.pick(("reasoning", "coding", "data_analysis")), 14)

        def talk(account: Account, quota: int, born: float) -> None:
            curve = dice.pick(CURVES)
            for at in spread(dice, max(1, quota // 2), ledger.calendar.days, network.OFFSET_H[country], curve, born):
                task = dice.pick(sheet)
                ledger.call(account, float(at), task if dice.chance(0.6) else rephrase(dice, task), task="reason")
                if dice.chance(0.4):
                    ledger.call(account, float(at) + 80.0, rephrase(dice, task), task="reason")
            converse(ledger, account, dice, max(1, quota // 3))

        campus = network.campus(dice, country)
        _wave(
            ledger,
            dice,
            "class",
            shares,
            campus,
            country,
            1.0,
            f"{dice.pick(words.PLACES).lower()}.edu",
            talk,
            f"course {dice.token(4)}",
        )

    _each(dice, accounts, exchanges, 30, 90, one)


def hackathons(ledger: Ledger, dice: Dice, accounts: int, exchanges: int) -> None:
    """A weekend: the venue's NAT, free credit, the same starter template, then many different ideas."""

    def one(dice: Dice, shares: list[int]) -> None:
        country, starter = network.country(dice), ledger.book.persona(dice)
        tools = tuple(dice.sample(words.TOOLS, 5))
        venue = network.office(dice, country, 2)

        def talk(account: Account, quota: int, _born: float) -> None:
            idea = starter if dice.chance(0.6) else ledger.book.persona(dice)
            if dice.chance(0.5):
                agent_loop(ledger, account, dice, quota, idea, tools)
            else:
                converse(
                    ledger,
                    account,
                    dice,
                    quota,
                    system=idea,
                    tools=tools if dice.chance(0.5) else None,
                    voice=Voice(dice, "en", 0.8),
                )

        _wave(ledger, dice, "hackathon", shares, venue, country, 6.0, None, talk, None)

    _each(dice, accounts, exchanges, 50, 130, one)


def conferences(ledger: Ledger, dice: Dice, accounts: int, exchanges: int) -> None:
    """Visitors of one event behind its network for three days, accounts of every age."""

    def one(dice: Dice, shares: list[int]) -> None:
        country = network.country(dice)
        venue = network.office(dice, country, 3)
        for quota in shares:
            home = network.country(dice)
            account = found(ledger, dice, "conference", country=home, egress=(venue, network.home(dice, home)))
            converse(ledger, account, dice, quota)

    _each(dice, accounts, exchanges, 60, 160, one)


def byok(ledger: Ledger, dice: Dice, accounts: int, exchanges: int) -> None:
    """Customers of one desktop product that asks for their own key: its template, its tools, their own affairs."""

    def one(dice: Dice, shares: list[int]) -> None:
        dress, tools = (
            wrappers.dress(dice, "instruction_following", loose=True),
            tuple(dice.sample(words.TOOLS, 4)) if dice.chance(0.6) else None,
        )
        system = ledger.book.persona(dice) + " " + (dress.system or "")
        kinds, habit = (
            dice.pick((("gateway",), ("sdk",), ("browser",), ("agent",))),
            habits.fixed(habits.tuple_of(dice)),
        )
        hosted = dice.pick(ledger.shared.clouds) if dice.chance(0.4) else None
        launch = dice.between(-10, 8)
        for quota in shares:
            account = found(
                ledger,
                dice,
                "byok_product",
                kinds=kinds,
                habit=habit if dice.chance(0.8) else None,
                egress=(hosted,) if hosted else None,
                created_s=(launch + dice.heavy(1.5, 1.0, 0, 40)) * DAY_S if dice.chance(0.35) else None,
            )
            voice = Voice(dice, network.LANGUAGE[account.country])
            starts = spread(
                dice,
                quota,
                ledger.calendar.days,
                network.OFFSET_H[account.country],
                dice.pick(CURVES),
                max(0.0, account.created_s),
            )
            for at in starts[: max(1, quota // 2)]:
                ledger.call(
                    account, float(at), dress.put_on(ledger.book.chat(dice, voice, 1)[0]), system=system, tools=tools
                )
            converse(ledger, account, dice, quota // 2, voice=voice, system=system, tools=tools)

    _each(dice, accounts, exchanges, 25, 110, one)


def agencies(ledger: Ledger, dice: Dice, accounts: int, exchanges: int) -> None:
    """Clients of one consultancy that handed all of them its template pack and set their accounts up in one go."""

    def one(dice: Dice, shares: list[int]) -> None:
        pack = [
            wrappers.dress(dice, capability, loose=True)
            for capability in ("instruction_following", "reasoning", "rubric_grading")
        ]
        setup = dice.between(-30, 3)
        for quota in shares:
            account = found(
                ledger,
                dice,
                "agency_client",
                kinds=("sdk", "framework", "browser"),
                created_s=(setup + dice.between(0, 12)) * DAY_S,
            )
            voice = Voice(dice, network.LANGUAGE[account.country], 0.1)
            texts = [dice.pick(pack).put_on(ledger.book.chat(dice, voice, 1)[0]) for _ in range(max(1, quota * 2 // 3))]
            sweep(ledger, account, dice, texts, task="chat")
            converse(ledger, account, dice, max(1, quota // 3), voice=voice)

    _each(dice, accounts, exchanges, 12, 30, one)


def _fail_over(ledger: Ledger, dice: Dice, own: list[Account]) -> None:
    """A gateway repeats a refused call on the firm's next account, as relays do."""
    if len(own) < 2:
        return
    voice = Voice(dice, "en")
    for at in spread(dice, 12 * len(own), ledger.calendar.days, 0.0, "mixed"):
        first, second = dice.sample(own, 2)
        prompt = ledger.book.chat(dice, voice, 1)[0]
        ledger.call(first, float(at), prompt, status=dice.pick((429, 529)))
        ledger.call(second, float(at) + dice.between(0.5, 9.0), prompt)


def aggregators(ledger: Ledger, dice: Dice, accounts: int, exchanges: int) -> None:
    """A declared gateway: a few accounts of one firm that pass on whom each call is for."""

    def one(dice: Dice, shares: list[int]) -> None:
        country, name, site, card, org = network.country(dice), firm(dice), domain(dice), dice.token(), dice.token(12)
        ways = (network.server(dice, 8, 1_800.0),)
        users = [
            (dice.token(10), Voice(dice, network.LANGUAGE[network.country(dice)], dice.pick((0.1, 0.5, 0.9))))
            for _ in range(200)
        ]
        for quota in shares:
            signup = member(dice, country, site, card, name, "enterprise", "organisation")
            account = found(
                ledger,
                dice,
                "aggregator",
                country=country,
                signup=signup,
                egress=ways,
                kinds=("gateway", "sdk"),
                organisation=name,
                org=org,
                keys=3,
            )
            left = quota
            while left > 0:
                user, voice = dice.pick(users)
                part = min(left, dice.whole(1, 25))
                converse(
                    ledger,
                    account,
                    dice,
                    part,
                    voice=voice,
                    end_users=(user,),
                    system=ledger.book.persona(dice) if dice.chance(0.3) else None,
                )
                left -= part
        _fail_over(ledger, dice, ledger.accounts[-len(shares) :])

    _each(dice, accounts, exchanges, 1, 4, one)


def hosted_keys(ledger: Ledger, dice: Dice, accounts: int, exchanges: int) -> None:
    """Unrelated people whose own keys sit in one hosted workflow tool: its addresses, its client, their jobs."""

    def one(dice: Dice, shares: list[int]) -> None:
        ways = (network.server(dice, dice.whole(2, 6), 7_200.0),)
        for quota in shares:
            account = found(ledger, dice, "hosted_workflow", egress=ways, kinds=("framework", "gateway"))
            if dice.chance(0.6):
                sweep(
                    ledger,
                    account,
                    dice,
                    ledger.book.batch(dice, quota),
                    task="label",
                    system=ledger.book.persona(dice),
                )
            else:
                converse(ledger, account, dice, quota, system=ledger.book.persona(dice))

    _each(dice, accounts, exchanges, 25, 70, one)
