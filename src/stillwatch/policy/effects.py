"""What decisions do to the exchanges of a history: refused, put behind a challenge, weakened, or let through.

Only what is enforced has an effect. That a challenge is passed or not is not known, so what lies behind one is
counted apart. Of an account's exchanges those that harvest are refused in proportion.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import pairwise

import msgspec

from stillwatch.model import Decision
from stillwatch.policy.rules import rank, touches
from stillwatch.policy.standing import Account, Standing

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
CHECKED_PLANS = frozenset({"enterprise", "education", "research"})  # granted after somebody looked


class Usage(msgspec.Struct, frozen=True, kw_only=True):
    """What an account did between two steps; ``revenue`` None: not known. Harvest as well as can be told."""

    exchanges: int
    harvest_exchanges: int = 0
    revenue: float | None = None


class Effects:
    """Adds up over the steps of a history, in their order."""

    def __init__(self) -> None:
        self.prevented = self.asked = self.weakened = self.let_through = 0.0
        self.revenue: float | None = 0.0
        self.touched: dict[Account, datetime] = {}  # since when
        self.refused: defaultdict[Account, float] = defaultdict(float)
        self.first_seen: dict[str, datetime] = {}  # campaign -> its first standing
        self.first_act: dict[str, datetime] = {}  # campaign -> the first thing that held for one of its accounts
        self.obtained: dict[str, int] = {}  # campaign -> what it had harvested by then
        self._last: dict[Account, Standing] = {}

    def pass_by(
        self,
        at: datetime,
        until: datetime,
        standings: Iterable[Standing],
        usage: Mapping[Account, Usage],
        acting: Mapping[Account, Sequence[Decision]],
    ) -> None:
        """One step: what was known at ``at``, what happened until ``until``, what stood against whom."""
        campaigns = self._see(at, standings)
        enforced = {
            account: [d for d in found if not d.simulated and touches(d.action)] for account, found in acting.items()
        }
        for account, found in enforced.items():
            self._begin(account, found, until)
        for campaign_id, harvest in campaigns.items():
            self._act(campaign_id, harvest, (at, until), enforced, usage)
        for account, used in usage.items():
            self._weigh(account, used, (at, until), enforced.get(account, ()))

    def _see(self, at: datetime, standings: Iterable[Standing]) -> dict[str, int]:
        campaigns: dict[str, int] = {}
        for standing in standings:
            self._last[standing.account] = standing
            if standing.campaign_id is not None:
                self.first_seen.setdefault(standing.campaign_id, at)
                campaigns[standing.campaign_id] = standing.campaign_harvest
        return campaigns

    def _begin(self, account: Account, found: Sequence[Decision], until: datetime) -> None:
        for decision in found:
            if decision.starts_at < until:
                known = self.touched.get(account, decision.starts_at)
                self.touched[account] = min(known, decision.starts_at)

    def _act(
        self,
        campaign_id: str,
        harvest: int,
        span: tuple[datetime, datetime],
        enforced: Mapping[Account, Sequence[Decision]],
        usage: Mapping[Account, Usage],
    ) -> None:
        """When something first holds for the campaign, and what it has got by then."""
        ours = [(a, d) for a, found in enforced.items() for d in found if d.campaign_id == campaign_id]
        starts = [decision.starts_at for _, decision in ours if decision.starts_at < span[1]]
        if campaign_id in self.first_act or not starts:
            return
        begun = self.first_act[campaign_id] = max(min(starts), span[0])
        members = {account for account, last in self._last.items() if last.campaign_id == campaign_id}
        since = sum(usage[account].harvest_exchanges for account in members if account in usage)
        self.obtained[campaign_id] = harvest + round(since * _part(span[0], begun, span))

    def _weigh(self, account: Account, used: Usage, span: tuple[datetime, datetime], found: Sequence[Decision]) -> None:
        """One account's exchanges, piece by piece between the times at which what holds for it changes."""
        edges = sorted({*span, *(t for d in found for t in (d.starts_at, d.expires_at) if span[0] < t < span[1])})
        free = 0.0
        for start, stop in pairwise(edges):
            part = _part(start, stop, span)
            holding = [d for d in found if d.starts_at <= start < d.expires_at]
            if holding:
                self._piece(account, used, part, (stop - start) / HOUR, holding)
            else:
                free += part
        if span[0] == span[1]:
            free = 1.0
        self.let_through += used.harvest_exchanges * free
        if free < 1.0:
            paid = used.revenue
            self.revenue = None if self.revenue is None or paid is None else self.revenue + paid * (1.0 - free)

    def _piece(self, account: Account, used: Usage, part: float, hours: float, holding: Sequence[Decision]) -> None:
        strongest = max(holding, key=lambda d: rank(d.action, d.value))
        harvest, everything = used.harvest_exchanges * part, used.exchanges * part
        if strongest.scope == "exchange":  # its harvesting exchanges alone
            everything = harvest
        match strongest.action:
            case "deny":
                gone = 1.0
            case "throttle":
                left = (strongest.value or 0.0) * hours
                gone = max(0.0, 1.0 - left / everything) if everything else 0.0
            case "challenge":
                self.asked += harvest
                return
            case _:
                gone = 0.0
                self.weakened += harvest
        self.prevented += harvest * gone
        self.let_through += harvest * (1.0 - gone)
        self.refused[account] += everything * gone

    def hours_to_act(self) -> list[float]:
        """Per campaign that was acted on: from its first standing until something held."""
        return [(at - self.first_seen[campaign]) / HOUR for campaign, at in self.first_act.items()]

    def honest_looking(self) -> set[Account]:
        """Touched accounts that somebody vouches for, or that at last were accused of nothing."""
        return {account for account in self.touched if _classes(self._last.get(account))}

    def honest_classes(self) -> dict[str, int]:
        """How many touched accounts look honest, by every class they are in; one may be in several."""
        counts = Counter(name for account in self.touched for name in _classes(self._last.get(account)))
        return dict(sorted(counts.items()))

    def largest_day(self) -> int:
        """The most accounts that were newly touched within 24 hours."""
        times = sorted(self.touched.values())
        first, most = 0, 0
        for last, at in enumerate(times):
            while at - times[first] >= DAY:
                first += 1
            most = max(most, last - first + 1)
        return most


def _classes(standing: Standing | None) -> list[str]:
    """Why an account looks honest; empty where it does not, or nothing is known of it."""
    if standing is None:
        return []
    names = [f"plan {standing.plan}"] if standing.plan in CHECKED_PLANS else []
    names += ["verification organisation"] if standing.verification == "organisation" else []
    cleared = standing.campaign_id is None or not (standing.accused or standing.recognised)
    names += ["no longer accused"] if cleared else []
    return [*names, "declared an organisation"] if names and standing.org else names


def _part(start: datetime, stop: datetime, span: tuple[datetime, datetime]) -> float:
    whole = span[1] - span[0]
    return (stop - start) / whole if whole else 0.0
