"""How far detection can be trusted at this moment: ok, degraded or failing, with a reason for each doubt.

Pure: it reads one ``State`` and the health before, and is handed the time. It knows ages, shares and limits; it does
not know why a source fell silent or a column went missing. What cannot be known yet stands in ``unknown``, never in
``ok``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Literal

import msgspec

from stillwatch.errors import ConfigError
from stillwatch.model import Action, Verdict
from stillwatch.report.words import counted, duration, percent

Status = Literal["ok", "degraded", "failing"]
CampaignState = Literal["active", "dormant", "merged", "dismissed"]


class State(msgspec.Struct, frozen=True, kw_only=True):
    """What the service knows of itself at ``at``. None is unknown, which is not zero.

    ``oldest_unscored_at``: when the exchange that has waited longest was stored, None where none waits. ``lag_s``: per
    source, how long after its event time the newest exchange was stored. ``coverage``: per column group, the share
    (0..1) of recent exchanges that had any value in it; ``usual_coverage``: the same over the window before.
    ``recent_exchanges`` and ``recent_dead_letters``: of the last hour. ``decisions``: live ones by action and
    simulated.
    """

    at: datetime
    started_at: datetime
    store_answers: bool = True
    newest_stored_at: datetime | None = None
    oldest_unscored_at: datetime | None = None
    last_mined_at: datetime | None = None
    mining_failures: int = 0
    lag_s: Mapping[str, float] = {}
    coverage: Mapping[str, float] | None = None
    usual_coverage: Mapping[str, float] | None = None
    recent_exchanges: int = 0
    recent_dead_letters: int = 0
    dead_letters: int | None = None
    campaigns: Mapping[tuple[Verdict, CampaignState], int] = {}
    decisions: Mapping[tuple[Action, bool], int] = {}
    held_decisions: int | None = None
    snapshot_version: int | None = None
    snapshot_at: datetime | None = None
    segments: int | None = None
    segment_bytes: int | None = None
    undelivered_alerts: int = 0


class Thresholds(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where ``ok`` ends. Ages in seconds, shares from 0 to 1; raising any of them reports trouble later.

    ``unscored_s``, ``unscored_failing_s``: age of the oldest exchange nobody has looked at. ``mined_s``: age of the
    last mining; keep it above twice the schedule. ``silence_s``: how long nothing may come in. ``lag_s``: how late
    events may come. ``coverage_left``: a column group is lost below this share of what it usually was;
    ``coverage_least``: groups that were rarer than this are not watched. ``dead_share``: share of the last hour's
    messages that could not be read, looked at from ``dead_least`` of them on. ``snapshot_s``: age of the decisions
    that gateways hold. ``undelivered``: alerts that no channel would take. ``settle_s``: how long a matter has to be
    away before it is over, so that flapping is told once.
    """

    unscored_s: float = 60.0
    unscored_failing_s: float = 900.0
    mined_s: float = 7200.0
    silence_s: float = 900.0
    lag_s: float = 600.0
    coverage_left: float = 0.5
    coverage_least: float = 0.05
    dead_share: float = 0.01
    dead_least: int = 20
    snapshot_s: float = 120.0
    undelivered: int = 0
    settle_s: float = 300.0

    def __post_init__(self) -> None:
        shares = ("coverage_left", "coverage_least", "dead_share")
        wrong = [name for name in self.__struct_fields__ if getattr(self, name) < 0]
        wrong += [name for name in shares if getattr(self, name) > 1]
        if self.unscored_failing_s < self.unscored_s:
            wrong.append("unscored_failing_s")
        if wrong:
            hint = "shares lie within 0..1, nothing is negative, and failing comes after degraded"
            raise ConfigError(f"out of range: {', '.join(wrong)}", where="health", hint=hint)


class Reason(msgspec.Struct, frozen=True, kw_only=True):
    """One doubt. ``since``: when it was first seen, kept as long as it lasts; ``clear_since``: when it went away."""

    matter: str
    status: Literal["degraded", "failing"]
    says: str
    since: datetime
    clear_since: datetime | None = None


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """``settling``: matters that are away, not yet for long. ``over``: those that ended with this look."""

    at: datetime
    status: Status
    reasons: tuple[Reason, ...] = ()
    settling: tuple[Reason, ...] = ()
    over: tuple[Reason, ...] = ()
    unknown: tuple[str, ...] = ()


def health(state: State, limits: Thresholds, before: Health | None = None) -> Health:
    """The health at ``state.at``. Pass the last one as ``before``, so that a matter keeps the time it began."""
    known = {reason.matter: reason for reason in (*before.reasons, *before.settling)} if before else {}
    found = list(_doubts(state, limits))
    reasons = [
        Reason(
            matter=matter,
            status=status,
            says=says,
            since=known[matter].since if matter in known else state.at,
        )
        for matter, status, says in found
    ]
    gone = [reason for matter, reason in known.items() if matter not in {one.matter for one in reasons}]
    gone = [msgspec.structs.replace(one, clear_since=one.clear_since or state.at) for one in gone]
    settle = timedelta(seconds=limits.settle_s)
    over = tuple(one for one in gone if one.clear_since and state.at - one.clear_since >= settle)
    worst: Status = "ok" if not reasons else "degraded"
    if any(reason.status == "failing" for reason in reasons):
        worst = "failing"
    return Health(
        at=state.at,
        status=worst,
        reasons=tuple(sorted(reasons, key=lambda one: (one.status != "failing", one.matter))),
        settling=tuple(one for one in gone if one not in over),
        over=over,
        unknown=tuple(_unknown(state)),
    )


def _unknown(state: State) -> Iterator[str]:
    if state.newest_stored_at is None:
        yield "no exchange has come yet, so nothing can be detected"
    if state.coverage is None:
        yield "coverage has not been measured yet"
    if state.last_mined_at is None:
        yield "campaigns have not been mined yet"
    if state.snapshot_at is None:
        yield "no snapshot of decisions has been made yet"


_Doubt = tuple[str, Literal["degraded", "failing"], str]


def _doubts(state: State, limits: Thresholds) -> Iterator[_Doubt]:
    if not state.store_answers:
        yield "store_away", "failing", "The store does not answer: nothing new is kept and decisions cannot change"
    yield from _stale(state, limits)
    yield from _intake(state, limits)
    yield from _covered(state, limits)
    if state.snapshot_at is not None and (age := state.at - state.snapshot_at).total_seconds() > limits.snapshot_s:
        yield "snapshot_stale", "degraded", f"The decisions that gateways can fetch are {duration(age)} old"
    if state.undelivered_alerts > limits.undelivered:
        many = counted(state.undelivered_alerts, "alert")
        yield "alerts_undelivered", "degraded", f"{many} could not be delivered and stand in the undelivered file"


def _stale(state: State, limits: Thresholds) -> Iterator[_Doubt]:
    if state.oldest_unscored_at is not None:
        age = state.at - state.oldest_unscored_at
        if age.total_seconds() > limits.unscored_s:
            failing = age.total_seconds() > limits.unscored_failing_s
            says = f"Exchanges stored {duration(age)} ago have not been looked at"
            yield "detection_stale", "failing" if failing else "degraded", says
    if state.last_mined_at is not None or state.newest_stored_at is not None:
        age = state.at - (state.last_mined_at or state.started_at)
        if age.total_seconds() > limits.mined_s:
            never = "since the service started" if state.last_mined_at is None else "ago"
            last = "Campaigns have not been mined" if state.last_mined_at is None else "Campaigns were last mined"
            yield "mining_stale", "degraded", f"{last} {duration(age)} {never}" + _failures(state)
            return
    if state.mining_failures > 1:  # one crash of mining is made good by the next run
        yield "mining_failing", "degraded", f"The last {counted(state.mining_failures, 'mining')} failed"


def _failures(state: State) -> str:
    return f", and the last {counted(state.mining_failures, 'try', 'tries')} failed" if state.mining_failures else ""


def _intake(state: State, limits: Thresholds) -> Iterator[_Doubt]:
    quiet = state.at - (state.newest_stored_at or state.started_at)
    if quiet.total_seconds() > limits.silence_s:
        yield "silent", "degraded", f"No exchange has come in for {duration(quiet)}"
    late = {source: lag for source, lag in state.lag_s.items() if lag > limits.lag_s}
    if late:
        worst = max(late, key=lambda source: (late[source], source))
        others = f" and {counted(len(late) - 1, 'other source')}" if len(late) > 1 else ""
        says = f"The source {worst}{others} delivers {duration(timedelta(seconds=late[worst]))} late"
        yield "ingest_late", "degraded", says
    messages = state.recent_exchanges + state.recent_dead_letters
    share = state.recent_dead_letters / messages if messages else 0.0
    if state.recent_dead_letters >= max(limits.dead_least, 1) and share > limits.dead_share:
        of = f"{percent(share)} of the last hour's messages ({counted(state.recent_dead_letters, 'message')})"
        yield "dead_letters", "degraded", f"{of} could not be read and lie in dead letters"


def _covered(state: State, limits: Thresholds) -> Iterator[_Doubt]:
    if state.coverage is None or state.usual_coverage is None:
        return
    for group, usual in sorted(state.usual_coverage.items()):
        now = state.coverage.get(group)
        if now is None or usual < limits.coverage_least or now >= usual * limits.coverage_left:
            continue
        says = f"Columns about {group} have values in {percent(now)} of exchanges, usually in {percent(usual)}"
        yield f"coverage_lost.{group}", "degraded", f"{says}: detectors that need them see less"
