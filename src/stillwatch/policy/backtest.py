"""What a policy would have done on a history, beside the active one.

Every step asks the same ``decide`` that live asks, with the decisions of the steps before, so that the same history,
mode, share and key give the same decisions, ids included. History is as it was: nobody in it reacts to what the
candidate would have done, and an account that is denied does not move on to another.

Exchanges of a step are spread evenly from its time to the next; steps should be as short as minings were.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

import msgspec

from stillwatch.model import ACTIONS, Decision, Mode
from stillwatch.policy.book import Book, applied
from stillwatch.policy.decide import decide
from stillwatch.policy.effects import Effects, Usage
from stillwatch.policy.rules import Policy
from stillwatch.policy.standing import Account, Standing

Value = float | int | str | None


class Truth(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of an account from elsewhere. ``label``: the class it is reported under."""

    label: str
    honest: bool


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """How the policies are run: ``mode``, ``share`` and ``key`` as ``decide`` has them.

    ``approve``: take held decisions for approved at once; without it they do nothing, as live until a person looks.
    """

    mode: Mode = "armed"
    share: float = 1.0
    key: bytes = b""
    approve: bool = False


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """A time of deciding, and what happened until the next. ``standings`` is what was known at ``at`` and no more.

    ``usage``: of each account from ``at`` until ``until``. What persons decided or undid meanwhile is not replayed:
    what they knew enters by the standings alone.
    """

    at: datetime
    until: datetime
    standings: tuple[Standing, ...]
    usage: Mapping[Account, Usage]


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What one policy did on the history. Exchanges are harvested ones unless said otherwise; None: not known.

    ``prevented``: refused by a denial or beyond a throttle. ``asked``: behind a challenge, prevented unless it is
    passed. ``weakened``: answered, but marked or without reasoning. ``let_through``: what was harvested all the
    same. ``obtained_before``: what the campaigns that were acted on had when something first held for an account of
    theirs.
    ``hours_to_act``: from a campaign's first standing until then, by campaign, in order. ``honest``: accounts touched
    that look honest, by class; ``by_truth``: all touched accounts by their label, where labels were given.
    ``revenue_touched``: of touched accounts while they were. ``largest_day``: newly touched accounts in any 24 hours.
    """

    version: str
    digest: str
    steps: int
    decisions: dict[str, int]
    held: int
    spared: int
    lapsed: int
    touched: int
    prevented: float
    asked: float
    weakened: float
    let_through: float
    honest_exchanges_refused: float | None
    obtained_before: int
    campaigns: int
    campaigns_acted_on: int
    hours_to_act: tuple[float, ...]
    honest: dict[str, int]
    honest_touched: int
    by_truth: dict[str, int]
    innocent_touched: int | None
    revenue_touched: float | None
    largest_day: int

    @property
    def median_hours_to_act(self) -> float | None:
        """None where nothing was ever done."""
        times = self.hours_to_act
        return (times[(len(times) - 1) // 2] + times[len(times) // 2]) / 2 if times else None


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the comparison. ``active`` is None where there was no active policy, or it cannot be told."""

    measure: str
    unit: str
    candidate: Value
    active: Value


class Replay:
    """One policy on its way through a history. ``decisions`` is everything it decided, as it stands."""

    def __init__(
        self, policy: Policy, terms: Terms | None = None, truth: Mapping[Account, Truth] | None = None
    ) -> None:
        self.policy, self._terms, self._truth = policy, terms or Terms(), truth
        self._live, self._ended = tuple[Decision, ...](), list[Decision]()
        self._effects = Effects()
        self._steps = self._held = self._spared = self._lapsed = 0
        self._last: datetime | None = None
        self._spared_seen: set[tuple[Account, str]] = set()

    def take(self, step: Step) -> tuple[Decision, ...]:
        """Decide at a step and let its exchanges pass. Gives what is new. Raises ValueError if time runs backwards."""
        if step.until < step.at or (self._last is not None and step.at < self._last):
            raise ValueError(f"steps must follow one another: {step.at.isoformat()} comes after a later one")
        terms = self._terms
        outcome = decide(self.policy, step.standings, self._live, step.at, terms.mode, terms.share, terms.key)
        self._spared_seen |= {((one.platform, one.account_id), one.because) for one in outcome.spared}
        self._held += len(outcome.held)
        self._lapsed += len(outcome.lapse)
        standing = applied(self._live, outcome, step.at)
        self._ended += [d for d in standing if d.expires_at <= step.at]
        self._live = tuple(d for d in standing if d.expires_at > step.at)
        self._effects.pass_by(step.at, step.until, step.standings, step.usage, self._acting(step.at))
        self._steps, self._last = self._steps + 1, step.at
        return outcome.new

    @property
    def decisions(self) -> tuple[Decision, ...]:
        """Everything decided so far, as it stands: ended and undone ones too."""
        return (*self._ended, *self._live)

    def _acting(self, now: datetime) -> dict[Account, Sequence[Decision]]:
        """What stands against whom; held decisions count only where the replay takes them for approved."""
        book = Book.of(self._live, now)
        return {
            account: [d for d in found if self._terms.approve or not d.held] for account, found in book.by_rule.items()
        }

    def report(self) -> Report:
        """What it all came to. Cost: O(decisions)."""
        effects, truth = self._effects, self._truth
        touched = sorted(effects.touched)
        labels = [(truth or {}).get(account) for account in touched]
        kinds = [decision.action for decision in self.decisions]
        honest = effects.honest_classes()
        return Report(
            version=self.policy.version,
            digest=self.policy.digest,
            steps=self._steps,
            decisions={action: kinds.count(action) for action in ACTIONS if action in kinds},
            held=self._held,
            spared=len(self._spared_seen),
            lapsed=self._lapsed,
            touched=len(touched),
            prevented=round(effects.prevented, 3),
            asked=round(effects.asked, 3),
            weakened=round(effects.weakened, 3),
            let_through=round(effects.let_through, 3),
            honest_exchanges_refused=_refused_of(effects.refused, truth),
            obtained_before=sum(effects.obtained.values()),
            campaigns=len(effects.first_seen),
            campaigns_acted_on=len(effects.first_act),
            hours_to_act=tuple(sorted(round(hours, 3) for hours in effects.hours_to_act())),
            honest=honest,
            honest_touched=len(effects.honest_looking()),
            by_truth=_counted(one.label if one else "not labelled" for one in labels) if truth is not None else {},
            innocent_touched=None if truth is None else sum(one is not None and one.honest for one in labels),
            revenue_touched=effects.revenue,
            largest_day=effects.largest_day(),
        )


def backtest(
    steps: Iterable[Step],
    candidate: Policy,
    active: Policy | None = None,
    terms: Terms | None = None,
    truth: Mapping[Account, Truth] | None = None,
) -> tuple[Report, Report | None]:
    """Both policies through the same history, read once. See ``Replay`` and ``decide`` for the rest.

    Under ``shadow`` nothing has an effect: the decisions are what live recorded, and every figure of harm is as it was.
    """
    runs = [Replay(policy, terms, truth) for policy in (candidate, active) if policy is not None]
    for step in steps:
        for run in runs:
            run.take(step)
    reports = [run.report() for run in runs]
    return reports[0], reports[1] if len(reports) > 1 else None


def _refused_of(refused: Mapping[Account, float], truth: Mapping[Account, Truth] | None) -> float | None:
    """Exchanges refused to accounts that are known to be honest; None where nobody knows."""
    if truth is None:
        return None
    return round(sum(count for account, count in refused.items() if account in truth and truth[account].honest), 3)


def _counted(names: Iterable[str]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for name in sorted(names):
        counts[name] = counts.get(name, 0) + 1
    return counts
