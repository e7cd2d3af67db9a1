"""Carry a campaign out: recruit, deal the list, ask it in time, lose accounts and go on with others, blend in."""

from __future__ import annotations

from typing import Literal

import msgspec

from stillwatch.compose import network
from stillwatch.compose.calendar import DAY_S, HOUR_S, level_slots, spread
from stillwatch.compose.campaigns.payload import Job, Payload
from stillwatch.compose.campaigns.plan import Plan
from stillwatch.compose.campaigns.recruit import Recruiter
from stillwatch.compose.crowd import converse
from stillwatch.compose.dice import Dice
from stillwatch.compose.ledger import Account, CampaignTruth, Ledger
from stillwatch.compose.text.grammar import Voice

Items = list[tuple[str, str]]


class Campaign:
    """One campaign under way. ``run`` does it all and leaves the truth in the ledger."""

    def __init__(self, ledger: Ledger, dice: Dice, plan: Plan, accounts: int, exchanges: int) -> None:
        self._ledger, self._dice, self._plan = ledger, dice, plan
        self._size, self._exchanges = accounts, exchanges
        self._recruiter = Recruiter(ledger, dice, plan, accounts)
        self._payload = Payload(ledger.book, dice, plan)
        self._truth = CampaignTruth(
            name=plan.name,
            tactic=plan.tactic,
            verdict="extraction",
            capabilities=dict(plan.mix),
            axes={
                key: value for key, value in msgspec.to_builtins(plan).items() if key not in ("name", "tactic", "mix")
            },
        )
        self._bursts = self._moments()
        self._clump = dice.weighted((1, 3, 8, 20), (2, 3, 4, 2)) if plan.timing != "human" else dice.pick((4, 8, 16))
        self._users = tuple(dice.token(10) for _ in range(dice.whole(5, 300))) if dice.chance(0.15) else ()
        self._members: list[Account] = []

    def _moments(self) -> list[float]:
        end = self._ledger.calendar.end_s
        return sorted(self._dice.between(self._plan.start_s, end) for _ in range(self._dice.whole(8, 40)))

    def run(self) -> None:
        self._ledger.campaigns.append(self._truth)
        harvest = max(1, int(self._exchanges * (1.0 - self._plan.blend)))
        first = self._ledger.calendar.end_s * 0.7
        self._members = [self._open(None) for _ in range(self._size)]
        for member in self._members:
            member.created_s = min(member.created_s, first)
        spread_sd = self._dice.pick((0.15, 0.5, 0.9))
        raw = [self._dice.heavy(1.0, spread_sd, 0.05) for _ in self._members]
        quotas = [max(1, int(harvest * value / sum(raw))) for value in raw]
        dealt = self._payload.deal(self._payload.jobs(harvest), self._size, quotas)
        for member, items in zip(list(self._members), dealt, strict=True):
            self._work(member, items)
        self._blend(harvest)

    def _open(self, born_s: float | None) -> Account:
        account = self._recruiter.account(self._plan.tactic, born_s)
        account.verdict = "extraction"
        return account

    def _times(self, account: Account, count: int, first: float, last: float) -> list[float]:
        plan, dice, days = self._plan, self._dice, self._ledger.calendar.days
        if plan.timing == "synchronised":
            window = dice.between(0.1, 1.2) * HOUR_S
            inside = [moment for moment in self._bursts if first <= moment < last] or [dice.between(first, last)]
            return sorted(min(last, dice.pick(inside) + dice.between(0, window)) for _ in range(count))
        if plan.timing == "served":
            served = self._ledger.traces.times(dice, count, first, last)
            if served is not None:
                return [float(value) for value in served]
        if plan.timing == "slow":
            return [float(value) for value in level_slots(dice, count, first, last)]
        if plan.timing == "weekly":
            days_on = [
                float(number)
                for number in range(int(first // DAY_S), int(last // DAY_S) + 1)
                if number % 7 in (1, 4, 5)
            ]
            return sorted(
                min(last, (dice.pick(days_on or [first // DAY_S]) + dice.one.random()) * DAY_S) for _ in range(count)
            )
        curve = {"flat": "flat", "office": "office", "human": "mixed"}.get(plan.timing, "mixed")
        offset = plan.operator_offset_h if plan.timing == "office" else network.OFFSET_H[account.country]
        return [float(value) for value in spread(dice, count, days, offset, curve, first, last)]

    def _work(self, account: Account, items: Items, *, resumed: bool = False) -> None:
        plan, dice, ledger = self._plan, self._dice, self._ledger
        first = max(plan.start_s, account.created_s, 0.0)
        if not resumed:
            first += dice.heavy(0.15, 1.2, 0.0, 3.0) * DAY_S
        last = ledger.calendar.end_s - 60.0
        first, last = self._life(min(first, last - 6 * HOUR_S), last)
        jobs = [self._payload.job(account.index, capability, item) for capability, item in items]
        closing = None
        if not resumed and dice.chance(plan.bans) and len(jobs) > 3:
            closing = account.closed_s = dice.between(first + 0.25 * (last - first), last - 0.1 * (last - first))
        times = self._clumped(self._times(account, len(jobs), first, last), last)
        for position, (at, job) in enumerate(zip(times, jobs, strict=True)):
            if closing is not None and at > closing:
                self._succeed(account, closing, items[position:])
                return
            self._ask(account, at, job)

    def _clumped(self, times: list[float], last: float) -> list[float]:
        """An account is worked in sittings, as a sticky scheduler or a person does: a few calls, then a rest."""
        if self._clump == 1 or self._plan.timing == "slow":
            return times
        out: list[float] = []
        left = self._dice.shuffled(times)
        while len(out) < len(times):
            at = left.pop()
            for _ in range(min(len(times) - len(out), max(1, int(self._dice.heavy(self._clump, 0.6))))):
                out.append(min(last, at))
                at += self._dice.heavy(25.0, 1.1, 0.5, 1_500.0)
        return sorted(out)

    def _life(self, first: float, last: float) -> tuple[float, float]:
        """When within its reach an account is worked: all along, from its turn on, or for a few days only."""
        dice, life = self._dice, self._plan.life
        if life == "whole" or last - first < 2 * DAY_S:
            return first, last
        days = self._ledger.suite.assumed.life_days
        if days is not None:
            worked = min(last - first, dice.heavy(days, 0.4, 0.1, 60.0) * DAY_S)
            start = first + dice.one.random() * (last - first - worked)
            return start, start + worked
        start = first + dice.between(0.0, 0.7) * (last - first)
        if life == "staggered":
            return start, last
        return start, min(last, start + dice.heavy(1.8, 0.7, 0.15, 8.0) * DAY_S)

    def _ask(self, account: Account, at: float, job: Job) -> None:
        dice, plan = self._dice, self._plan
        if plan.failover and dice.chance(plan.failover) and len(self._members) > 1:
            self._say(account, at, job, job.turns[:1], status=dice.weighted((429, 529, 500), (6, 3, 1)))
            at += dice.between(0.8, 15.0)
            account = self._sibling(at, account)
        self._say(account, at, job, job.turns)

    def _sibling(self, at: float, other: Account) -> Account:
        for _ in range(8):
            chosen = self._dice.pick(self._members)
            if chosen is not other and chosen.created_s < at and (chosen.closed_s is None or chosen.closed_s > at):
                return chosen
        return other

    def _say(self, account: Account, at: float, job: Job, turns: tuple[str, ...], status: int = 0) -> None:
        conversation = self._ledger.conversation()
        user = self._dice.pick(self._users) if self._users else None
        for depth, prompt in enumerate(turns, 1):
            before = len(self._ledger.calls.at)
            self._ledger.call(
                account,
                at,
                prompt,
                task="agent" if depth > 1 and job.tools else job.task,
                system=job.system,
                tools=job.tools,
                conversation=conversation,
                depth=depth,
                images=job.images,
                status=status,
                harvest=True,
                capability=job.capability,
                end_user=user,
            )
            self._truth.planned_harvest += len(self._ledger.calls.at) - before
            at += self._dice.heavy(12.0, 0.9, 1.0, 600.0)

    def _succeed(self, old: Account, closed_s: float, items: Items) -> None:
        """The list goes on: on a new account after a lag, while the dead credential is still being tried."""
        dice, ledger = self._dice, self._ledger
        if dice.chance(0.6):
            gap = dice.pick((60.0, 300.0, 1_800.0))
            capability, item = items[0]
            job = self._payload.job(old.index, capability, item)
            for number in range(dice.whole(1, 6)):
                self._say(old, closed_s + 1 + number * gap, job, job.turns[:1], status=dice.pick((401, 403)))
        hours = self._ledger.suite.assumed.replacement_lag_h
        lag = dice.heavy(0.2, 1.8, 0.0007, 4.0) if hours is None else dice.heavy(hours / 24.0, 0.6, 0.0001, 14.0)
        resumed = closed_s + lag * DAY_S
        if resumed > ledger.calendar.end_s - 8 * HOUR_S:
            return
        stocked = dice.chance(0.5)
        born = (
            resumed - dice.heavy(20.0, 1.0) * DAY_S if stocked else resumed - dice.heavy(0.05, 1.0, 0.001, 0.5) * DAY_S
        )
        new = self._open(born)
        self._members.append(new)
        self._truth.successions.append((old.index, new.index, closed_s, resumed))
        plan = self._plan
        self._plan = msgspec.structs.replace(plan, start_s=resumed)
        self._work(new, items, resumed=True)
        self._plan = plan

    def _blend(self, harvest: int) -> None:
        """Organic talk on the same accounts: the operator's customers, or the real owners."""
        blend, dice = self._plan.blend, self._dice
        if blend <= 0:
            return
        total = harvest * blend / (1.0 - blend)
        raw = [dice.heavy(1.0, 0.7, 0.05) for _ in self._members]
        crowd = dice.chance(0.5)
        for member, value in zip(self._members, raw, strict=True):
            left = int(total * value / sum(raw)) + (1 if dice.chance(0.5) else 0)
            while left > 0:
                part = min(left, dice.whole(3, 30)) if crowd else left
                voice = Voice(dice, network.LANGUAGE[network.country(dice) if crowd else member.country])
                converse(self._ledger, member, dice, part, voice=voice, curve=_curve(dice))
                left -= part


def _curve(dice: Dice) -> Literal["mixed", "evening", "office"]:
    return dice.pick(("mixed", "evening", "office"))
