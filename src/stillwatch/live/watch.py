"""What is known of campaigns from one mining to the next, and what is decided about their accounts.

Fed by two: stored exchanges (``news``) and finished minings (``mined``); the time is handed in, so that a replay of the
same history comes to the same decisions. It reads and writes the store and nothing else.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from stillwatch.campaigns.recognise import Recogniser, settled_keys
from stillwatch.campaigns.signature import Signature
from stillwatch.campaigns.track import track
from stillwatch.errors import InputError
from stillwatch.live.mining import Mined
from stillwatch.model import Campaign, CampaignEvent, Decision, KnownCampaign, Mode, Recognised
from stillwatch.policy.compile import compile_policy
from stillwatch.policy.decide import decide
from stillwatch.policy.disarm import Disarm, disarm, signs_of
from stillwatch.policy.outcome import Outcome
from stillwatch.policy.rules import Policy
from stillwatch.policy.standing import RecognisedAccount, Standing, Traffic, standings
from stillwatch.store.protocol import Store
from stillwatch.tables import ACCOUNTS

Account = tuple[str, str]
Tell = Callable[[datetime, tuple[Standing, ...]], None]
BY_SERVICE = "policy"  # who undid what lapsed
AUTOMATIC = "automatic"  # who undid what went too far


@dataclass(frozen=True)
class Turn:
    """What one piece of news changed."""

    events: tuple[CampaignEvent, ...] = ()
    recognised: tuple[Recognised, ...] = ()
    outcome: Outcome = field(default_factory=Outcome)
    disarmed: Disarm | None = None


class Watch:
    """Safe to use from several threads: one turn at a time.

    ``key``: draws shares and jitter (see ``policy.decide``). ``share``: enforced where a policy is staged. ``tell``:
    told what was known at each time of deciding.
    """

    def __init__(self, store: Store, key: bytes, share: float, tell: Tell | None = None) -> None:
        self._store, self._key, self._share, self._tell = store, key, share, tell
        self._turn = threading.RLock()
        self._traffic: dict[Account, Traffic] = {}
        self._recognised: dict[Account, Recognised] = {}
        self._side = side_table(store)
        self._settled: npt.NDArray[np.uint64] | None = None  # accounts the last mining saw enough of
        self._recogniser = Recogniser(())
        self._unstored: list[Recognised] = []
        self._policy: tuple[str, Policy] | None = None
        self._known = {known.campaign.campaign_id: known for known in store.campaigns()}
        for one in store.recognised():
            if one.campaign_id in self._known:
                self._recognised[one.platform, one.account_id] = one
        self._look_for(self._known.values())

    def side(self) -> pa.Table | None:
        """The accounts table, None where nobody sent one."""
        return self._side

    def side_as_of(self, table: pa.Table | None) -> None:
        """The accounts table of another time, for a replay; the store's is not touched."""
        with self._turn:
            self._side = table

    def put_accounts(self, rows: Iterable[dict[str, object]]) -> int:
        """Rows of the accounts table; later ones replace earlier ones."""
        with self._turn:
            count = self._store.put_accounts(rows)
            self._side = side_table(self._store)
        return count

    def active(self) -> tuple[Policy, Mode] | None:
        """The active policy and how far it may act."""
        for version in self._store.policies():
            if version.active:
                if self._policy is None or self._policy[0] != version.digest:
                    self._policy = version.digest, compile_policy(version.text, version.digest)[0]
                return self._policy[1], version.mode
        return None

    def news(self, prints: pa.Table, now: datetime) -> Turn:
        """Exchanges were stored (``tables.FINGERPRINTS``): are there accounts of a known campaign among them?"""
        with self._turn:
            self._unstored += self._recogniser.news(prints, self._rows_of(prints))
            found = [one for one in self._unstored if self._is_new(one)]
            if not found:
                return Turn()
            self._store.add_recognised(found)  # where the store is away, they wait for the next news
            self._unstored = []
            self._recognised |= {(one.platform, one.account_id): one for one in found}
            return self._turned(now, found, recognised=tuple(found))

    def _rows_of(self, prints: pa.Table) -> pa.Table | None:
        """Rows of the side table for accounts among these exchanges."""
        if self._side is None:
            return None
        there = pc.unique(prints.column("account_id").cast(pa.string()))
        return self._side.filter(pc.is_in(self._side.column("account_id"), value_set=there))

    def _is_new(self, one: Recognised) -> bool:
        account = one.platform, one.account_id
        return account not in self._recognised and not self._is_member(account, one.campaign_id)

    def _is_member(self, account: Account, campaign_id: str) -> bool:
        known = self._known.get(campaign_id)
        return known is not None and any((m.platform, m.account_id) == account for m in known.campaign.roster)

    def mined(self, mined: Mined, now: datetime, summary: str = "") -> Turn:
        """A mining ended: campaigns get the ids they keep, signatures are renewed, and all is decided again."""
        with self._turn:
            signatures = {name: one.write() for name, one in mined.signatures.items()}
            tracked = track(list(self._known.values()), mined.result.campaigns, now, signatures)
            self._store.put_mining(now, tracked.campaigns, tracked.events, summary)
            self._known = {known.campaign.campaign_id: known for known in tracked.campaigns}
            self._traffic = traffic_of(mined.scores)
            exchanges = mined.scores.column("exchanges").to_numpy()
            self._settled = settled_keys(mined.scores.select(["platform", "account_id"]), exchanges)
            self._look_for(self._known.values())
            return self._turned(now, None, events=tracked.events)

    def dismiss(self, campaign_id: str, now: datetime, because: str) -> Turn:
        """A person says that a campaign is none: what was decided for it lapses, and its signature is not used."""
        with self._turn:
            known = self._known[campaign_id]
            event = CampaignEvent(campaign_id=campaign_id, at=now, kind="dismissed", says=because)
            self._store.set_campaign_state(campaign_id, "dismissed", event)
            self._known[campaign_id] = msgspec.structs.replace(known, state="dismissed")
            self._look_for(self._known.values())
            return self._turned(now, None, events=(event,))

    def decide_again(self, now: datetime) -> Turn:
        """All standings against the active policy: after a change of policy or mode."""
        with self._turn:
            return self._turned(now, None)

    def standings(self) -> tuple[Standing, ...]:
        """What is known of every account that something may be decided about."""
        with self._turn:
            return self._standings(None, self._store.decisions())

    def known(self) -> list[KnownCampaign]:
        """Every campaign ever named, whatever became of it."""
        with self._turn:
            return list(self._known.values())

    def recognised(self) -> dict[Account, Recognised]:
        """Accounts that matched a campaign between minings, and the campaign."""
        with self._turn:
            return dict(self._recognised)

    def _look_for(self, known: Iterable[KnownCampaign]) -> None:
        live = [k for k in known if k.signature and k.state in {"active", "dormant"}]
        renamed: list[Signature] = []
        for one in live:
            with suppress(InputError):  # written by another version: the next mining writes it anew
                read = Signature.read(one.signature)
                renamed.append(msgspec.structs.replace(read, campaign_id=one.campaign.campaign_id))
        self._recogniser = Recogniser(renamed, self._settled)

    def _standings(self, only: Sequence[Recognised] | None, live: Sequence[Decision]) -> tuple[Standing, ...]:
        """Of all accounts, or of just recognised ones: who was not looked at keeps what was decided."""
        campaigns = [known.campaign for known in self._known.values() if known.state in {"active", "dormant"}]
        wanted = self._recognised.values() if only is None else only
        marks = [
            RecognisedAccount(
                platform=one.platform,
                account_id=one.account_id,
                campaign_id=one.campaign_id,
                probability=one.probability,
                bits=one.bits,
                exchanges=one.after_exchanges,
                first_seen=one.at,
            )
            for one in wanted
        ]
        dismissed = {name for name, known in self._known.items() if known.state == "dismissed"}
        if only is not None:
            named = {one.campaign_id for one in only}
            campaigns = [without_members(c) for c in campaigns if c.campaign_id in named]
        watched = live if only is None else ()
        return standings(campaigns, marks, self._side, self._traffic, watched, dismissed)

    def _turned(
        self,
        now: datetime,
        only: Sequence[Recognised] | None,
        *,
        events: tuple[CampaignEvent, ...] = (),
        recognised: tuple[Recognised, ...] = (),
    ) -> Turn:
        """Decides, and takes the rules back to shadow where they touched too many who look honest."""
        active = self.active()
        if active is None:
            return Turn(events=events, recognised=recognised)
        policy, mode = active
        unexpired = [one for one in self._store.decisions() if one.expires_at > now]
        seen = self._standings(only, unexpired)
        if self._tell is not None:
            self._tell(now, seen)
        outcome = decide(policy, seen, unexpired, now, mode, self._share, self._key)
        if outcome.new:
            self._store.add_decisions(outcome.new)
        for because in {lapse.because for lapse in outcome.lapse}:
            ids = [lapse.decision_id for lapse in outcome.lapse if lapse.because == because]
            self._store.undo_decisions(ids, now, BY_SERVICE, because)
        gone_too_far = self._disarm(policy, mode, seen, now) if mode in {"staged", "armed"} else None
        return Turn(events=events, recognised=recognised, outcome=outcome, disarmed=gone_too_far)

    def _disarm(self, policy: Policy, mode: Mode, seen: Sequence[Standing], now: datetime) -> Disarm | None:
        made = self._store.decisions()
        plan = disarm(policy.disarm, made, signs_of(made, seen, now), now)
        if plan is None:
            return None
        self._store.set_mode(policy.digest, "shadow")
        self._store.undo_decisions(list(plan.undo.ids), now, AUTOMATIC, plan.undo.because)
        detail = {"because": plan.because, "from": mode, "undone": str(len(plan.undo.ids))}
        self._store.append_audit(now, AUTOMATIC, "policy.disarm", policy.digest, detail)
        return plan


def side_table(store: Store) -> pa.Table | None:
    """The stored rows as ``tables.ACCOUNTS``."""
    rows = store.accounts()
    if not rows:
        return None
    for row in rows:
        for name in ("created_at", "closed_at"):
            if isinstance(at := row.get(name), str):
                row[name] = datetime.fromisoformat(at)
    return pa.Table.from_pylist(rows, schema=ACCOUNTS)


def traffic_of(scores: pa.Table) -> dict[Account, Traffic]:
    """Exchanges of every account in the window that was mined."""
    columns = (scores.column(name).to_pylist() for name in ("platform", "account_id", "exchanges"))
    return {(p, a): Traffic(exchanges=n) for p, a, n in zip(*columns, strict=True)}


def without_members(campaign: Campaign) -> Campaign:
    """The campaign as a name and a verdict: to look at newly recognised accounts alone."""
    return msgspec.structs.replace(campaign, roster=())


__all__ = ["Turn", "Watch", "side_table", "traffic_of"]
