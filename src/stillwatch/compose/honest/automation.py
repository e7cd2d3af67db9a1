"""Programs with one owner: back-ends, batches, evaluations, data sets, monitors."""

from __future__ import annotations

from typing import Any

from stillwatch.compose import habits, network
from stillwatch.compose.calendar import DAY_S, level_slots, spread
from stillwatch.compose.crowd import converse, found
from stillwatch.compose.dice import Dice
from stillwatch.compose.honest.people import quotas, sweep
from stillwatch.compose.ledger import Account, Ledger
from stillwatch.compose.signup import domain, firm, member
from stillwatch.compose.text import wrappers
from stillwatch.compose.text.grammar import Voice, fill

_SETS = ("reasoning", "coding", "instruction_following", "data_analysis", "tool_use", "vision", "reasoning")


def _company(ledger: Ledger, dice: Dice, label: str, declares: float, **more: Any) -> Account:
    """A firm's own account, or the founder's private one where the firm was never declared."""
    country = network.country(dice)
    if dice.chance(declares):
        name = firm(dice)
        plan = dice.weighted(("pay_as_you_go", "enterprise", "startup"), (6, 2, 3))
        signup = member(
            dice,
            country,
            domain(dice),
            dice.token(),
            name if dice.chance(0.7) else None,
            plan,
            dice.pick(("payment", "organisation")),
        )
        return found(
            ledger,
            dice,
            label,
            country=country,
            signup=signup,
            organisation=name,
            org=dice.token(12) if dice.chance(0.6) else None,
            **more,
        )
    return found(ledger, dice, label, country=country, **more)


def saas(ledger: Ledger, dice: Dice, accounts: int, exchanges: int) -> None:
    """A product's back-end: one template, its customers' words in the slots, day and night."""
    for quota in quotas(dice, accounts, exchanges, 0.9):
        ways = (network.server(dice, dice.whole(1, 6), 3_600.0),)
        account = _company(
            ledger, dice, "saas_backend", 0.75, kinds=("sdk", "framework"), egress=ways, keys=dice.whole(1, 3)
        )
        users = tuple(dice.token(10) for _ in range(dice.whole(20, 300))) if dice.chance(0.5) else ()
        system, voice = ledger.book.persona(dice), Voice(dice, network.LANGUAGE[account.country], 0.1)
        if dice.chance(0.5):
            converse(
                ledger,
                account,
                dice,
                quota,
                voice=voice,
                system=system,
                turns=2.0,
                end_users=users,
                curve=dice.pick(("office", "mixed", "evening")),
            )
            continue
        dress = wrappers.dress(dice, dice.pick(("instruction_following", "reasoning", "rubric_grading")), loose=True)
        texts = (
            [dress.put_on(text) for text in ledger.book.batch(dice, quota)]
            if dice.chance(0.5)
            else [dress.put_on(ledger.book.chat(dice, voice, 1)[0]) for _ in range(quota)]
        )
        steady(ledger, account, dice, texts, system, users)


def steady(
    ledger: Ledger,
    account: Account,
    dice: Dice,
    prompts: list[str],
    system: str | None,
    users: tuple[str, ...] = (),
    task: str = "label",
) -> None:
    """Calls as customers happen to come, or in level slots for scheduled work."""
    days, first = ledger.calendar.days, max(0.0, account.created_s)
    served = ledger.traces.times(dice, len(prompts), first, ledger.calendar.end_s) if dice.chance(0.4) else None
    if served is not None:
        times = served
        account.verbosity = ledger.traces.verbosity(dice)
    elif dice.chance(0.4):
        times = level_slots(dice, len(prompts), first, ledger.calendar.end_s - 60)
    else:
        times = spread(
            dice, len(prompts), days, network.OFFSET_H[account.country], dice.pick(("office", "mixed", "flat")), first
        )
    stamped = system is not None and dice.chance(0.35)
    for at, prompt in zip(times, prompts, strict=True):
        told = f"{system}\nDay {int(at // DAY_S)}, record {dice.whole(1, 9_999)}." if stamped else system
        ledger.call(account, float(at), prompt, task=task, system=told, end_user=dice.pick(users) if users else None)


def labelling(ledger: Ledger, dice: Dice, accounts: int, exchanges: int) -> None:
    """One instruction, thousands of records; a firm's job or one person's side project."""
    for quota in quotas(dice, accounts, exchanges, 1.0):
        account = _company(ledger, dice, "batch_labelling", 0.45, kinds=("sdk", "raw", "framework"))
        system = ledger.book.persona(dice) if dice.chance(0.3) else None
        texts = ledger.book.batch(dice, quota)
        if dice.chance(0.5):
            steady(ledger, account, dice, texts, system)
        else:
            sweep(ledger, account, dice, texts, task="label", system=system)


def translation(ledger: Ledger, dice: Dice, accounts: int, exchanges: int) -> None:
    """Strings of an app or subtitles into many languages."""
    for quota in quotas(dice, accounts, exchanges, 0.9):
        account = _company(ledger, dice, "translation_batch", 0.5, kinds=("sdk", "raw"))
        target = dice.pick(("Spanish", "German", "Chinese", "Japanese", "Russian", "Portuguese"))
        voice = Voice(dice, dice.pick(("en", "de", "zh", "ja", "ru", "es")), 0.0)
        texts = [
            f"Translate into {target}. Keep placeholders.\n\n{ledger.book.chat(dice, voice, 1)[0]}"
            for _ in range(quota)
        ]
        sweep(ledger, account, dice, texts, task="rewrite")


def evaluations(ledger: Ledger, dice: Dice, accounts: int, exchanges: int) -> None:
    """Independent evaluators on shared cloud runners, running overlapping benchmarks, often more than once."""
    benchmarks = {}
    for capability in dict.fromkeys(_SETS):
        _, items = ledger.book.items(dice, capability, 400)
        benchmarks[capability] = (items, wrappers.dress(dice, capability))
    for quota in quotas(dice, accounts, exchanges, 0.9):
        ways = (dice.pick(ledger.shared.runners),) if dice.chance(0.7) else (network.server(dice),)
        stacks = None
        account = _company(
            ledger,
            dice,
            "eval_harness",
            0.35,
            kinds=("framework", "sdk", "sdk"),
            egress=ways,
            stacks=stacks,
            habit=habits.fixed(habits.tuple_of(dice)) if dice.chance(0.6) else None,
        )
        left = quota
        while left > 0:
            items, dress = benchmarks[dice.pick(_SETS)]
            if dice.chance(0.3):
                dress = wrappers.dress(dice, "reasoning")
            part = (
                items[: min(left, dice.whole(20, 400))]
                if dice.chance(0.5)
                else dice.sample(items, min(left, dice.whole(20, 400)))
            )
            for _ in range(dice.weighted((1, 2, 4), (6, 3, 1))):
                sweep(
                    ledger,
                    account,
                    dice,
                    [dress.put_on(item) for item in part],
                    task="reason",
                    system=dress.system,
                    runs=1,
                )
                left -= len(part)
                if left <= 0:
                    break


def judges(ledger: Ledger, dice: Dice, accounts: int, exchanges: int) -> None:
    """Graders: a product team's judge in its CI, a teacher with a rubric, a support desk rating answers."""
    for quota in quotas(dice, accounts, exchanges, 0.9):
        account = _company(ledger, dice, "judge", 0.5, kinds=("sdk", "framework", "raw"))
        _, items = ledger.book.items(dice, "rubric_grading", quota)
        dress = wrappers.dress(dice, "rubric_grading", loose=True)
        sweep(ledger, account, dice, [dress.put_on(item) for item in items], task="grade", system=dress.system)


def rewriting_desks(ledger: Ledger, dice: Dice, accounts: int, exchanges: int) -> None:
    """Press offices, broadcasters and moderators who soften wording for a living."""
    for quota in quotas(dice, accounts, exchanges, 0.9):
        account = _company(ledger, dice, "rewriting_desk", 0.6, kinds=("browser", "sdk"))
        _, items = ledger.book.items(dice, "policy_rewriting", quota)
        dress = wrappers.dress(dice, "policy_rewriting", loose=True)
        steady(ledger, account, dice, [dress.put_on(item) for item in items], dress.system, task="rewrite")
        converse(ledger, account, dice, max(1, quota // 6))


def dataset_builders(ledger: Ledger, dice: Dice, accounts: int, exchanges: int) -> None:
    """Solo developers who build a small training set out of their own product's logs: one account, under their name."""
    for quota in quotas(dice, accounts, exchanges, 0.9):
        account = _company(ledger, dice, "dataset_builder", 0.3, kinds=("sdk", "framework", "raw"))
        voice = Voice(dice, network.LANGUAGE[account.country], 0.3)
        dress = wrappers.dress(dice, dice.pick(("reasoning", "instruction_following", "coding")), loose=True)
        texts = [dress.put_on(ledger.book.chat(dice, voice, 1)[0]) for _ in range(quota)]
        sweep(ledger, account, dice, texts, task=dice.pick(("reason", "chat", "code")), system=dress.system)
        converse(ledger, account, dice, max(1, quota // 4), voice=voice)


def monitors(ledger: Ledger, dice: Dice, accounts: int, exchanges: int) -> None:
    """Uptime probes and nightly digests: the same small call at the same minutes, for ever."""
    for quota in quotas(dice, accounts, exchanges, 0.5):
        account = found(
            ledger,
            dice,
            "monitor",
            kinds=("raw", "sdk"),
            egress=(network.server(dice),),
            habit=habits.fixed(habits.tuple_of(dice)),
        )
        text = fill(
            dice, dice.pick(("ping", "Reply with OK.", "Summarise the {n2} log lines of {place}", "health check {n}"))
        )
        for at in level_slots(dice, quota, max(0.0, account.created_s), ledger.calendar.end_s - 60):
            ledger.call(account, float(at), text, task="label")
