"""How calls travelled and what came back: one process for every account, honest or not.

Fills client, address, key, model, parameters, status, tokens, latency and text of the answer from the account's habits
and the kind of task. It never looks at truth; a column it fills differs between sides only where habits differ.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from stillwatch.compose.calendar import DAY_S
from stillwatch.compose.clients import STACKS
from stillwatch.compose.dice import Dice
from stillwatch.compose.habits import Tuple
from stillwatch.compose.ledger import Account, Ledger
from stillwatch.compose.text.replies import LENGTHS, Replies
from stillwatch.tables import EXCHANGES

_OPERATIONS = {"bedrock": ("messages", "chat"), "vertex": ("messages",), "azure": ("chat", "responses")}
_CLEAN = ("chat", "messages", "responses", "chat", "messages")
_THINKING = {"low": 180.0, "medium": 520.0, "high": 1_300.0}


@dataclass(slots=True)
class _Manner:
    """What stays put for one account: how often it errs, upgrades, sends conversation ids, asks for batches."""

    errors: float
    lag_s: tuple[float, ...]
    conversations: bool
    operation: str
    counts: bool
    seen: dict[int, tuple[str, Tuple]] = field(default_factory=dict)


def _manner(dice: Dice, account: Account) -> _Manner:
    kinds = {STACKS[client].kind for client in account.clients}
    chatty = bool(kinds & {"browser", "agent"})
    return _Manner(
        errors=dice.heavy(0.018, 0.9, 0.0, 0.3),
        lag_s=tuple(1e12 if dice.chance(0.35) else dice.heavy(3.0, 1.2, 0.01, 90.0) * DAY_S for _ in account.clients),
        conversations=chatty or dice.chance(0.55),
        operation=dice.pick(_OPERATIONS.get(account.platform, _CLEAN)),
        counts=chatty or dice.chance(0.85),
    )


def _user_agent(client: int, at_s: float, lag_s: float) -> str:
    stack = STACKS[client]
    best = 0
    for version, day in enumerate(stack.days):
        if at_s >= day * DAY_S + (lag_s if version else 0.0):
            best = version
    return stack.user_agents[min(best, len(stack.user_agents) - 1)]


def _choice(account: int, slot: int, salt: int, weights: int) -> int:
    """A sticky choice of ``0..weights-1``, the first taken most."""
    if weights == 1:
        return 0
    mark = zlib.crc32(f"{account}/{slot}/{salt}".encode()) / 4_294_967_296.0
    return min(weights - 1, int(weights * mark**1.7))


class Wire:
    """Turns a ledger's calls into the exchange table. ``harvest`` and ``capability`` stay behind, in row order."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._dice = ledger.dice.child("wire")
        self._replies = Replies(ledger.dice)
        self._manners: dict[int, _Manner] = {}
        self._epoch_us = int(ledger.calendar.start.timestamp() * 1e6)

    def table(self) -> tuple[pa.Table, np.ndarray]:
        """The exchanges, sorted by time, and the call each row came from."""
        calls = self._ledger.calls
        at = np.asarray(calls.at)
        order = np.lexsort((np.asarray(calls.account), at))
        columns: dict[str, list[object]] = {name: [] for name in EXCHANGES.names}
        self._who(columns, order)
        self._what(columns, order)
        self._answers(columns, order)
        arrays = [pa.array(columns[item.name], item.type) for item in EXCHANGES]
        return pa.Table.from_arrays(arrays, schema=EXCHANGES), order

    def _who(self, columns: dict[str, list[object]], order: np.ndarray) -> None:
        ledger, calls, names = self._ledger, self._ledger.calls, self._ledger.names
        for row, call in enumerate(order.tolist()):
            account = ledger.accounts[calls.account[call]]
            manner = self._manners.get(account.index)
            if manner is None:
                manner = self._manners[account.index] = _manner(self._dice, account)
            at = calls.at[call]
            slot = int(at // account.sticky_s)
            which = _choice(account.index, slot, 1, len(account.clients))
            egress = account.egress[_choice(account.index, slot, 2, len(account.egress))]
            stack = STACKS[account.clients[which]]
            key = _choice(account.index, int(at // DAY_S), 3, account.keys)
            values = (
                names.of("exchange", row, 12),
                self._epoch_us + int(at * 1e6),
                account.platform,
                names.of("account", account.index),
                names.of("key", account.index * 16 + key),
                account.org,
                calls.end_user[call],
                egress.address(account.index, at, 0),
                egress.asn,
                egress.country,
                egress.network,
                stack.ja4,
                stack.header_signature,
                _user_agent(account.clients[which], at, manner.lag_s[which]),
                manner.operation,
            )
            for name, value in zip(_WHO, values, strict=True):
                columns[name].append(value)

    def _what(self, columns: dict[str, list[object]], order: np.ndarray) -> None:
        ledger, calls, dice = self._ledger, self._ledger.calls, self._dice
        for call in order.tolist():
            account = ledger.accounts[calls.account[call]]
            manner = self._manners[account.index]
            conversation = calls.conversation[call]
            drawn = manner.seen.get(conversation)
            if drawn is None:
                drawn = (account.models.draw(dice, calls.at[call]), account.habit.draw(dice))
                manner.seen[conversation] = drawn
            model, params = drawn[0], calls.params[call] or drawn[1]
            tools = calls.tools[call]
            values = (
                model,
                ledger.names.of("conversation", conversation, 8) if manner.conversations else None,
                2 * calls.depth[call] - 1 + (1 if calls.system[call] else 0) if manner.counts else None,
                calls.system[call],
                calls.prompt[call],
                list(tools) if tools else None,
                calls.images[call] if manner.counts or calls.images[call] else None,
                params.max_tokens,
                params.temperature,
                params.top_p,
                params.stream,
                params.effort,
            )
            for name, value in zip(_WHAT, values, strict=True):
                columns[name].append(value)

    def _statuses(self, order: np.ndarray) -> np.ndarray:
        calls, chance = self._ledger.calls, self._dice.array.random(order.size)
        rate = np.array([self._manners[index].errors for index in calls.account])[order]
        own = np.array(calls.status)[order]
        kind = self._dice.array.choice(np.array([429, 429, 529, 500, 400]), order.size)
        return np.where(own > 0, own, np.where(chance < rate, kind, 200))

    def _answers(self, columns: dict[str, list[object]], order: np.ndarray) -> None:
        calls, accounts, array = self._ledger.calls, self._ledger.accounts, self._dice.array
        status = self._statuses(order)
        noise, second, third = array.standard_normal((3, order.size))
        place, thought = array.random((2, order.size))
        replies = self._replies
        for row, call in enumerate(order.tolist()):
            account, task = accounts[calls.account[call]], calls.task[call]
            median, spread = LENGTHS[task]
            tokens = int(max(1.0, median * account.verbosity * np.exp(spread * noise[row])))
            effort, limit = columns["reasoning_effort"][row], columns["max_tokens"][row]
            thinking = _thinking(effort, second[row])
            good = status[row] == 200
            finish = "tool_calls" if calls.tools[call] and thought[row] < 0.6 else "stop"
            if limit is not None and tokens > limit:  # type: ignore[operator]
                tokens, finish = int(limit), "length"  # type: ignore[call-overload]
            history = (calls.depth[call] - 1) * (200 + 40 * (thought[row]))
            read = int(
                (len(calls.prompt[call]) + len(calls.system[call] or "")) / 4.1
                + 8
                + history
                + 60 * len(calls.tools[call] or ())
                + 850 * calls.images[call]
            )
            ttft = int(240 * np.exp(0.45 * third[row]) + read * 0.04 + (thinking or 0) * 9)
            speed = 11.0 if "large" in str(columns["request_model"][row]) else 6.0
            values = (
                replies.text(task, tokens, place[row]) if good else None,
                replies.text("reason", thinking, thought[row]) if good and thinking else None,
                finish if good else None,
                read,
                tokens if good else None,
                thinking if good else None,
                ttft + int(tokens * speed) if good else int(30 + 90 * thought[row]),
                ttft if good and columns["stream"][row] else None,
                int(status[row]),
            )
            for name, value in zip(_ANSWER, values, strict=True):
                columns[name].append(value)


def _thinking(effort: object, noise: float) -> int | None:
    if effort is None or effort == "none":
        return None
    median = _THINKING.get(str(effort)) or 0.09 * int(str(effort))
    return max(16, int(median * np.exp(0.7 * noise)))


_NAMES = EXCHANGES.names
_WHO, _WHAT, _ANSWER = _NAMES[:15], _NAMES[15:27], _NAMES[27:]
