"""Founding accounts and letting them talk: what every look-alike and every campaign is made of.

An account founded here looks like any other; the caller overrides what its story needs.
"""

from __future__ import annotations

from collections.abc import Sequence

from stillwatch.compose import habits, network
from stillwatch.compose.calendar import HOUR_S, sessions, think_s
from stillwatch.compose.clients import BY_NAME, CLOUD_OF_PLATFORM, OF_KIND, STACKS
from stillwatch.compose.dice import Dice
from stillwatch.compose.habits import Habit, ModelHabit
from stillwatch.compose.ledger import Account, Ledger
from stillwatch.compose.network import Egress
from stillwatch.compose.signup import Signup, created, person
from stillwatch.compose.text.grammar import Voice, rephrase
from stillwatch.compose.text.words import TOOLS

_PLATFORMS = {"api": 80.0, "bedrock": 9.0, "vertex": 6.0, "azure": 5.0}


def platform(dice: Dice) -> str:
    """A pathway, the provider's own API for most."""
    return dice.mapped(_PLATFORMS)


def clients(dice: Dice, where: str, kinds: Sequence[str], most: int = 4) -> tuple[int, ...]:
    """One to ``most`` stacks of these kinds, popular ones first drawn; cloud pathways bring their own SDK."""
    if where in CLOUD_OF_PLATFORM:
        own = [BY_NAME[name] for name in CLOUD_OF_PLATFORM[where]]
        return (dice.pick(own),)
    pool = [index for kind in kinds for index in OF_KIND[kind]]
    weights = [STACKS[index].popularity for index in pool]
    count = min(most, dice.weighted((1, 2, 3, 4), (52, 30, 12, 6)))
    return tuple(dict.fromkeys(dice.weighted(pool, weights) for _ in range(count)))


def access(dice: Dice, ledger: Ledger, country: str) -> tuple[Egress, ...]:
    """An ordinary person's ways out: home, often a phone or a workplace, now and then a VPN or a relay."""
    found = [network.home(dice, country)]
    if dice.chance(0.4):
        found.append(ledger.shared.carrier(dice, country))
    if dice.chance(0.25):
        found.append(network.office(dice, country))
    if dice.chance(0.07):
        found.append(dice.pick(ledger.shared.exits))
    if dice.chance(0.04):
        found.append(dice.pick(ledger.shared.relays))
    return tuple(found)


def found(  # noqa: PLR0913 - each is one thing a story may fix about an account
    ledger: Ledger,
    dice: Dice,
    label: str,
    *,
    country: str | None = None,
    where: str | None = None,
    signup: Signup | None = None,
    created_s: float | None = None,
    kinds: Sequence[str] = ("sdk", "browser", "raw", "framework"),
    stacks: tuple[int, ...] | None = None,
    egress: tuple[Egress, ...] | None = None,
    habit: Habit | None = None,
    models: ModelHabit | None = None,
    organisation: str | None = None,
    org: str | None = None,
    keys: int | None = None,
) -> Account:
    """Open an account. Whatever is not given is drawn as for a stranger."""
    index = len(ledger.accounts)
    country = country or network.country(dice)
    where = where or platform(dice)
    signup = signup or person(dice, country)
    born = _born(ledger, dice) if created_s is None else created_s
    egress = egress or access(dice, ledger, country)
    account = Account(
        index=index,
        platform=where,
        country=country,
        signup=signup,
        created_s=born,
        clients=stacks or clients(dice, where, kinds),
        egress=egress,
        habit=habit or habits.own(dice),
        models=models or habits.models(dice, ledger.calendar),
        label=label,
        organisation=organisation,
        org=org,
        keys=keys or dice.weighted((1, 2, 3), (75, 18, 7)),
        verbosity=dice.heavy(1.0, 0.25, 0.4, 2.5),
        sticky_s=dice.pick((3_600.0, 21_600.0, 86_400.0)),
    )
    if dice.chance(0.012) and born < ledger.calendar.end_s * 0.8:
        account.closed_s = max(born, 0.0) + dice.between(0.2, 1.0) * (ledger.calendar.end_s - max(born, 0.0))
    return ledger.add(account)


def _born(ledger: Ledger, dice: Dice) -> float:
    """Whenever strangers sign up; some of them in the hours of a launch."""
    if dice.chance(0.07):
        return dice.pick(ledger.calendar.launches) + dice.heavy(4.0, 0.9, 0.05, 40.0) * HOUR_S
    return created(dice, ledger.calendar.days)


class _Scenes:
    """What stands around one account's sittings: the same set-up always, or several in turn, as most people's."""

    def __init__(self, ledger: Ledger, dice: Dice, system: str | None, tools: tuple[str, ...] | None) -> None:
        self._dice = dice
        self._scenes: list[tuple[str | None, tuple[str, ...] | None]] = [(system, tools)]
        if dice.chance(0.55 if system else 0.3):
            self._scenes.append((None if system else ledger.book.persona(dice), tools))
        if dice.chance(0.2):
            self._scenes.append((ledger.book.persona(dice), tuple(dice.sample(TOOLS, dice.whole(1, 6)))))
        if tools and dice.chance(0.5):
            self._scenes.append((system, None if dice.chance(0.5) else tools[: max(1, len(tools) - 1)]))

    def next(self) -> tuple[str | None, tuple[str, ...] | None]:
        return self._dice.weighted(self._scenes, [1.0 / (place + 1) for place in range(len(self._scenes))])


def converse(  # noqa: PLR0913 - as found
    ledger: Ledger,
    account: Account,
    dice: Dice,
    count: int,
    *,
    voice: Voice | None = None,
    curve: str = "mixed",
    system: str | None = None,
    turns: float = 2.5,
    tools: tuple[str, ...] | None = None,
    end_users: Sequence[str] = (),
) -> None:
    """About ``count`` calls of organic talk: sittings, follow-ups, rephrasings and retries."""
    voice = voice or Voice(dice, network.LANGUAGE.get(account.country, "en"))
    offset = network.OFFSET_H.get(account.country, 0.0)
    first = max(0.0, account.created_s)
    changing = _Scenes(ledger, dice, system, tools)
    starts = iter(sessions(dice, max(1, count), ledger.calendar.days, offset, curve, first, ledger.calendar.end_s))
    made = 0
    for start in starts:
        if made >= count:
            return
        length = min(count - made, max(1, int(dice.heavy(turns, 0.8, 1, 40))))
        scene = changing.next()
        made += _sitting(
            ledger, account, dice, start, length, voice, scene[0], scene[1], dice.pick(end_users) if end_users else None
        )


def _sitting(  # noqa: PLR0913, PLR0917 - as found
    ledger: Ledger,
    account: Account,
    dice: Dice,
    at: float,
    length: int,
    voice: Voice,
    system: str | None,
    tools: tuple[str, ...] | None,
    end_user: str | None,
) -> int:
    conversation, depth = ledger.conversation(), 1
    task = "code" if voice.coder > 0.6 else "chat"
    for turn, prompt in enumerate(ledger.book.chat(dice, voice, length)):
        ledger.call(
            account,
            at,
            prompt,
            task="follow" if turn else task,
            system=system,
            tools=tools,
            conversation=conversation,
            depth=depth,
            end_user=end_user,
        )
        if dice.chance(0.05):
            at += dice.between(3, 40)
            again = prompt if dice.chance(0.4) else rephrase(dice, prompt)
            ledger.call(
                account,
                at,
                again,
                task=task,
                system=system,
                tools=tools,
                conversation=conversation,
                depth=depth,
                end_user=end_user,
            )
        at += think_s(dice)
        depth += 1
    return length
