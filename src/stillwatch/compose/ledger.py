"""What a world is written into while it is composed: accounts, and the calls they make, column by column.

A call says who, when and what; how it travelled (address, client, key), what came back and what it cost is filled in
afterwards by one common process for everybody (``wire``), so that no side leaves its own trace there.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from stillwatch.compose.calendar import Calendar
from stillwatch.compose.dice import Dice, Names
from stillwatch.compose.habits import Habit, ModelHabit, Tuple
from stillwatch.compose.knobs import Suite
from stillwatch.compose.network import Egress, Shared
from stillwatch.compose.signup import Signup
from stillwatch.compose.text.book import Book
from stillwatch.compose.traces import Traces


@dataclass(slots=True, kw_only=True)
class Account:
    """One paying account.

    ``label`` is the look-alike class or the campaign's tactic: truth, never written out beside
    the exchanges.
    """

    index: int
    platform: str
    country: str
    signup: Signup
    created_s: float
    clients: tuple[int, ...]
    egress: tuple[Egress, ...]
    habit: Habit
    models: ModelHabit
    label: str
    campaign: str | None = None
    verdict: str | None = None
    organisation: str | None = None
    closed_s: float | None = None
    org: str | None = None
    keys: int = 1
    verbosity: float = 1.0
    sticky_s: float = 21_600.0


@dataclass(slots=True)
class Calls:
    """One entry per call in every list."""

    account: list[int] = field(default_factory=list)
    at: list[float] = field(default_factory=list)
    prompt: list[str] = field(default_factory=list)
    system: list[str | None] = field(default_factory=list)
    tools: list[tuple[str, ...] | None] = field(default_factory=list)
    task: list[str] = field(default_factory=list)
    conversation: list[int] = field(default_factory=list)
    depth: list[int] = field(default_factory=list)
    images: list[int] = field(default_factory=list)
    end_user: list[str | None] = field(default_factory=list)
    params: list[Tuple | None] = field(default_factory=list)
    status: list[int] = field(default_factory=list)
    harvest: list[bool] = field(default_factory=list)
    capability: list[str] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class CampaignTruth:
    name: str
    tactic: str
    verdict: str
    capabilities: dict[str, float]
    pivots: list[dict[str, object]] = field(default_factory=list)
    successions: list[tuple[int, int, float, float]] = field(default_factory=list)
    planned_harvest: int = 0
    axes: dict[str, object] = field(default_factory=dict)


class Ledger:
    """The open book of one world. ``account`` and ``call`` append; nothing is ever changed but ``closed_s``."""

    def __init__(self, suite: Suite, dice: Dice, seed: int, book: Book, traces: Traces) -> None:
        self.suite, self.dice, self.book, self.traces = suite, dice, book, traces
        self.names = Names(seed)
        self.calendar = Calendar(dice, suite.days)
        self.shared = Shared(dice)
        self.accounts: list[Account] = []
        self.calls = Calls()
        self.campaigns: list[CampaignTruth] = []
        self._conversations = 0

    def add(self, account: Account) -> Account:
        self.accounts.append(account)
        return account

    def conversation(self) -> int:
        self._conversations += 1
        return self._conversations

    def call(  # noqa: PLR0913 - a call has this many columns
        self,
        account: Account,
        at: float,
        prompt: str,
        *,
        task: str = "chat",
        system: str | None = None,
        tools: tuple[str, ...] | None = None,
        conversation: int | None = None,
        depth: int = 1,
        images: int = 0,
        end_user: str | None = None,
        params: Tuple | None = None,
        status: int = 0,
        harvest: bool = False,
        capability: str = "other",
    ) -> None:
        """Record a call. Calls before the account existed, after its closure or outside the window are dropped."""
        if not 0.0 <= at < self.calendar.end_s or at < account.created_s:
            return
        if account.closed_s is not None and at > account.closed_s and status not in (401, 403):
            return
        calls = self.calls
        calls.account.append(account.index)
        calls.at.append(at)
        calls.prompt.append(prompt)
        calls.system.append(system)
        calls.tools.append(tools)
        calls.task.append(task)
        calls.conversation.append(self.conversation() if conversation is None else conversation)
        calls.depth.append(depth)
        calls.images.append(images)
        calls.end_user.append(end_user)
        calls.params.append(params)
        calls.status.append(status)
        calls.harvest.append(harvest)
        calls.capability.append(capability)
