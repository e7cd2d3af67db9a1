"""An operator at work: its accounts, its list, its money; tick by tick, within what the provider lets through.

The crew carries out what ``conduct`` orders, as far as budget and money allow: never more live accounts than the
budget, never more money spent than there is. Times are seconds from the start of the run.
"""

from __future__ import annotations

import dataclasses
import math
from collections import deque
from dataclasses import dataclass, field

import msgspec
import numpy as np
import pyarrow as pa

from stillwatch.arena.cells import Cell
from stillwatch.arena.conduct import HOUR_S, Aspect, News, Orders, Purse
from stillwatch.arena.enforcement import DAY_S, Enforcement
from stillwatch.arena.operator import Cast
from stillwatch.compose.campaigns.plan import draw
from stillwatch.compose.campaigns.registry import BY_NAME
from stillwatch.compose.dice import Dice, Names
from stillwatch.compose.ledger import Account, Calls, Ledger
from stillwatch.compose.signup import domain
from stillwatch.compose.wire import Wire
from stillwatch.compose.world import account_row
from stillwatch.errors import ConfigError
from stillwatch.tables import ACCOUNTS

SLOWEST = 0.1  # of the first rate: below that an account is not worth its price


@dataclass(slots=True)
class Worker:
    """One account of the operator, living or lost; ``todo`` are (moment, item), sorted."""

    account: Account
    name: tuple[str, str]
    cell: Cell
    replacement: bool
    opened_s: float
    todo: list[tuple[float, int]] = field(default_factory=list)
    alive: bool = True
    hindered: bool = False
    calls: int = 0
    first_call_s: float | None = None
    named_s: float | None = None
    named_after: int | None = None


@dataclass(slots=True)
class Ask:
    """One item being asked: ``left`` answers are still missing."""

    item: int
    worker: Worker
    left: int
    broken: bool = False


class Crew:
    """``ledger`` is the operator's own: same calendar and shared networks as the honest world, other names."""

    def __init__(self, cast: Cast, ledger: Ledger, seed: int, end_s: float) -> None:
        self.operator, self._decide = cast.operator, cast.decide
        self._ledger, self._dice, self._end_s = ledger, Dice(seed, "arena"), end_s
        ledger.names = Names(self._dice.child("names").one.getrandbits(48))
        self._wire = Wire(ledger)
        self.purse = Purse(self.operator.budget.money)
        self.workers: list[Worker] = []
        self._by_index: dict[int, Worker] = {}
        self._asks: list[Ask | None] = []  # one per call in the ledger that is still to be made
        self._pool: deque[int] = deque()
        self._orders: list[tuple[float, int]] = []  # replacements: ready when, how many
        self._wake_s: float | None = None
        self._pace, self._exchanges = 1.0, 0
        self._cells: list[Cell] = []
        self._cells.append(self._cell(self.operator.harvest.accounts))
        self._blend = self._cells[0].blend
        self._domain = self._bought_domain()
        self.items = self._start()
        self.obtained = np.zeros(len(self.items), bool)
        self._rate = len(self.items) / max(1, len(self.workers)) / end_s  # items per second of an account

    # what it has

    def live(self) -> list[Worker]:
        return [worker for worker in self.workers if worker.alive]

    def harvested(self) -> float:
        """Share of the list obtained so far."""
        return float(self.obtained.mean()) if len(self.items) else 0.0

    def accounts(self, now_s: float, gate: Enforcement) -> pa.Table:
        """What the provider knows at ``now_s`` of those that have called, closures included (``tables.ACCOUNTS``)."""
        seen = [worker for worker in self.workers if worker.first_call_s is not None and worker.first_call_s < now_s]
        for worker in seen:
            closed = gate.closed_s(worker.name)
            worker.account.closed_s = closed if closed is not None and closed <= now_s else None
        return pa.Table.from_pylist([account_row(self._ledger, worker.account.index) for worker in seen], ACCOUNTS)

    def worker(self, name: tuple[str, str]) -> Worker | None:
        return next((worker for worker in self.workers if worker.name == name), None)

    # opening

    def _cell(self, size: int) -> Cell:
        dice, harvest = self._dice.child(f"cell-{len(self._cells)}"), self.operator.harvest
        calendar = self._ledger.calendar
        plan = draw(dice, BY_NAME[harvest.tactic], self._ledger.suite, "operator", calendar.days)
        # the arena does the banning; a list starts when the run does, and every cell works on the same one
        mix = self._cells[0].mix if self._cells else plan.mix
        raw = {**msgspec.to_builtins(plan), "bans": 0.0, "start_s": 0.0, **harvest.axes, "mix": mix}
        try:
            plan = msgspec.convert(raw, type(plan))
        except msgspec.ValidationError as error:
            raise ConfigError(str(error), where=f"{self.operator.name}: harvest.axes") from error
        return Cell(self._ledger, dice, plan, max(1, size))

    def _bought_domain(self) -> str | None:
        wanted = self.operator.harvest.one_domain and self.purse.pay(self.operator.prices.domain)
        return domain(self._dice.child("domain")) if wanted else None

    def _start(self) -> list[tuple[str, str]]:
        harvest, prices, cell = self.operator.harvest, self.operator.prices, self._cells[0]
        price = prices.aged_account if harvest.stock == "aged" else prices.fresh_account
        shares, items = cell.shares(harvest.exchanges), list[tuple[str, str]]()
        for share in shares:
            numbers = range(len(items), len(items) + len(share))
            items += share
            if not self.purse.pay(price):
                self._pool.extend(numbers)
                continue
            account = cell.first(0.7 * self._end_s)
            worker = self._hire(account, cell, 0.0, replacement=False)
            first = max(0.0, account.created_s) + cell.settle(self._dice)
            self._plan(worker, list(numbers), min(first, self._end_s - 6 * HOUR_S))
        cell.staff(worker.account for worker in self.workers)
        return items

    def _hire(self, account: Account, cell: Cell, now_s: float, *, replacement: bool) -> Worker:
        if self._domain is not None:
            account.signup = msgspec.structs.replace(account.signup, email_domain=self._domain)
        name = (account.platform, self._ledger.names.of("account", account.index))
        worker = Worker(account, name, cell, replacement, now_s)
        self.workers.append(worker)
        self._by_index[account.index] = worker
        return worker

    def _plan(self, worker: Worker, items: list[int], from_s: float) -> None:
        """(Re)schedule everything a worker has to do; organic talk in proportion to what is new."""
        new = len(items) - len(worker.todo)
        times = worker.cell.moments(worker.account, len(items), max(0.0, from_s), self._end_s - 60.0)
        worker.todo = list(zip(times, items, strict=True))
        if self._blend > 0 and new > 0:
            self._chat(worker, new, from_s)

    def _chat(self, worker: Worker, harvest: int, from_s: float) -> None:
        count = round(harvest * self._blend / (1.0 - self._blend))
        if count:
            worker.cell.chat(worker.account, count, max(0.0, from_s))
            self._mark(None)

    def _mark(self, ask: Ask | None) -> None:
        """Remember which item the calls just written belong to."""
        self._asks += [ask] * (len(self._ledger.calls.at) - len(self._asks))

    # working

    def act(self, start_s: float, stop_s: float, gate: Enforcement) -> pa.Table:
        """Exchanges answered from ``start_s`` to ``stop_s`` (``tables.EXCHANGES``); what is begun may end later."""
        self._open_ordered(start_s, stop_s)
        if self._wake_s is not None and self._wake_s < stop_s:
            woken, self._wake_s = max(self._wake_s, start_s), None
            self._hand_out(self.live(), woken)
        for worker in self.live():
            due = [entry for entry in worker.todo if entry[0] < stop_s]
            worker.todo = worker.todo[len(due) :]
            for at, item in due:
                self._ask(worker, at, item)
        return self._answered(stop_s if stop_s < self._end_s else math.inf, gate)

    def _ask(self, worker: Worker, at_s: float, item: int) -> None:
        before = len(self._ledger.calls.at)
        worker.cell.ask(worker.account, at_s, *self.items[item])
        wanted = sum(status == 0 for status in self._ledger.calls.status[before:])
        self._mark(Ask(item, worker, wanted))

    def _answered(self, stop_s: float, gate: Enforcement) -> pa.Table:
        calls = self._ledger.calls
        due = [row for row in np.lexsort((calls.account, calls.at)).tolist() if calls.at[row] < stop_s]
        taken = set(due)
        answered = [row for row in due if self._let_through(row, gate)]
        table = self._table(_part(calls, answered))
        left = [row for row in range(len(calls.at)) if row not in taken]
        self._ledger.calls, self._asks = _part(calls, left), [self._asks[row] for row in left]
        return table

    def _let_through(self, row: int, gate: Enforcement) -> bool:
        calls, ask = self._ledger.calls, self._asks[row]
        worker, at = self._by_index[calls.account[row]], calls.at[row]
        if not worker.alive or (ask is not None and ask.broken):
            refused = True
        else:
            refused = not self.purse.covers(self.operator.prices.exchange) or not gate.admit(worker.name, at)
        if refused:
            if ask is not None and not ask.broken:
                ask.broken = True
                self._again(ask, at)
            return False
        self.purse.pay(self.operator.prices.exchange)
        worker.calls += 1
        worker.first_call_s = at if worker.first_call_s is None else worker.first_call_s
        if ask is not None and calls.status[row] == 0:
            ask.left -= 1
            self.obtained[ask.item] |= ask.left == 0
        return True

    def _again(self, ask: Ask, at_s: float) -> None:
        """A refused item is tried a day later where its account lives; a dead account's goes back to the list."""
        if ask.worker.alive:
            ask.worker.todo.append((at_s + DAY_S, ask.item))
            ask.worker.todo.sort()
        elif self.operator.reactions.resume:
            self._pool.append(ask.item)

    def _table(self, calls: Calls) -> pa.Table:
        self._ledger.calls = calls
        table, _ = self._wire.table()
        names = [self._ledger.names.of("exchange", self._exchanges + row, 12) for row in range(table.num_rows)]
        self._exchanges += table.num_rows
        return table.set_column(0, table.schema.field(0), pa.array(names, pa.string()))

    # reacting

    def adapt(self, now_s: float, gate: Enforcement) -> Orders:
        """Look at what stopped answering, decide, and do it."""
        lost, hindered = self._notice(now_s, gate)
        releases = [at for at in self._ledger.calendar.releases if at > now_s and at < self._end_s]
        news = News(
            at_s=now_s,
            lost=lost,
            hindered=hindered,
            live=len(self.live()),
            cells=len(self._cells),
            left=int((~self.obtained).sum()),
            money=self.purse.left,
            next_release_s=min(releases, default=None),
        )
        orders = self._decide(self.operator.reactions, news)
        if orders != Orders():
            self._carry_out(orders, now_s)
        if orders.replace:
            self._orders.append((orders.ready_s, orders.replace))
        return orders

    def _notice(self, now_s: float, gate: Enforcement) -> tuple[int, int]:
        lost, hindered = 0, 0
        resume = self.operator.reactions.resume
        for worker in self.live():
            closed = gate.closed_s(worker.name)
            over = closed is not None and closed <= now_s
            if not over and gate.challenged(worker.name, now_s):
                over = not self._prove(worker, now_s, gate)
                hindered += 1
            elif not over and gate.throttled(worker.name, now_s) and not worker.hindered:
                worker.hindered = True
                hindered += 1
                over = resume  # an operator that can go on elsewhere writes a throttled account off
            if over:
                lost += 1
                worker.alive = False
                if resume:
                    self._pool.extend(item for _, item in worker.todo)
                worker.todo = []
        return lost, hindered

    def _prove(self, worker: Worker, now_s: float, gate: Enforcement) -> bool:
        can = self._dice.chance(self.operator.reactions.pass_challenge)
        if can and self.purse.pay(self.operator.prices.challenge):
            gate.passed(worker.name, now_s)
            return True
        return False

    def _carry_out(self, orders: Orders, now_s: float) -> None:
        if orders.paraphrase:
            for cell in self._cells:
                cell.paraphrase()
        if orders.rotate:
            self._rotate(orders)
        if orders.split:
            self._split()
        if orders.pace < 1.0:
            self._slow(orders.pace, now_s)
        if orders.blend > self._blend:
            self._blend = orders.blend
            for worker in self.live():
                self._chat(worker, len(worker.todo), now_s)
        if orders.wake_s is not None:
            self._fall_asleep(orders.wake_s)
        elif self._wake_s is None and self.operator.reactions.resume:
            self._hand_out(self.live(), now_s)

    def _rotate(self, orders: Orders) -> None:
        prices = self.operator.prices
        for cell in self._cells:
            cell.rotate(orders.rotate)
        lasting: list[Aspect] = [aspect for aspect in orders.rotate if aspect not in ("email", "templates")]
        price = prices.address * ("addresses" in lasting) + prices.card * ("payment" in lasting)
        for worker in self.live():
            if self.purse.pay(price):
                worker.cell.refit(worker.account, lasting)

    def _split(self) -> None:
        staff = {id(cell): [w for w in self.live() if w.cell is cell] for cell in self._cells}
        largest = max(self._cells, key=lambda cell: len(staff[id(cell)]))
        movers = staff[id(largest)][1::2]
        if not movers:
            return
        new = self._cell(len(movers))
        self._cells.append(new)
        for worker in movers:
            if self.purse.pay(self.operator.prices.address):
                new.adopt(worker.account)
                worker.cell = new
        self._staff()

    def _slow(self, pace: float, now_s: float) -> None:
        pace = max(pace, SLOWEST / self._pace)
        self._pace *= pace
        for worker in self.live():
            items = [item for _, item in worker.todo]
            keep = math.ceil(len(items) * pace)
            self._pool.extend(items[keep:])
            worker.todo = worker.todo[:keep]
            self._plan(worker, items[:keep], now_s)

    def _fall_asleep(self, wake_s: float) -> None:
        self._wake_s = wake_s if self._wake_s is None else min(self._wake_s, wake_s)
        for worker in self.live():
            self._pool.extend(item for _, item in worker.todo)
            worker.todo = []

    def _hand_out(self, workers: list[Worker], now_s: float) -> None:
        """Items that nobody has, to those who have room: as many as their rate allows until the end."""
        left_s = self._end_s - now_s
        if not self._pool or not workers or left_s <= 0:
            return
        full = math.ceil(self._rate * self._pace * self.operator.reactions.stretch * left_s)
        fair = math.ceil(len(self._pool) / len(workers))
        for worker in workers:
            room = min(fair, max(0, full - len(worker.todo)), len(self._pool))
            if room:
                mine = [item for _, item in worker.todo] + [self._pool.popleft() for _ in range(room)]
                self._plan(worker, mine, now_s)

    def _open_ordered(self, start_s: float, stop_s: float) -> None:
        waiting, self._orders = self._orders, []
        opened: list[Worker] = []
        for ready, count in waiting:
            made = 0
            while ready < stop_s and made < count and self._pool and self._open_one(max(ready, start_s), opened):
                made += 1
            if made < count and self._pool and stop_s < self._end_s:
                self._orders.append((ready, count - made))
        if opened:
            self._staff()
            if self._wake_s is None:
                self._hand_out(opened, max(start_s, min(worker.opened_s for worker in opened)))

    def _open_one(self, ready_s: float, opened: list[Worker]) -> bool:
        prices, stock = self.operator.prices, self.operator.reactions.stock
        price = prices.aged_account if stock == "aged" else prices.fresh_account
        if len(self.live()) >= self.operator.budget.accounts or not self.purse.pay(price):
            return False
        cell = self._cells[len(self.workers) % len(self._cells)]
        opened.append(self._hire(cell.replacement(ready_s, stock), cell, ready_s, replacement=True))
        return True

    def _staff(self) -> None:
        for cell in self._cells:
            cell.staff(worker.account for worker in self.live() if worker.cell is cell)


def _part(calls: Calls, rows: list[int]) -> Calls:
    """These rows of every column."""
    return Calls(**{f.name: [getattr(calls, f.name)[row] for row in rows] for f in dataclasses.fields(Calls)})
