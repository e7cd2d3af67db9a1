"""Routes of how the service is: alive, fit for traffic, how stale and how covered detection is, metrics."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import datetime

from litestar import Response, get

from stillwatch.alerts.health import CampaignState, Health, State, Thresholds, health
from stillwatch.clock import now
from stillwatch.errors import StillwatchError
from stillwatch.model import Verdict
from stillwatch.serve.asking import Ask, parts_of
from stillwatch.serve.guard import PUBLIC
from stillwatch.serve.parts import Parts
from stillwatch.serve.wire import Status

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


def state_of(parts: Parts, started_at: datetime) -> State:
    """What the service knows of itself now. Raises nothing: a store that is away is part of the answer."""
    at, counters, miner = now(), parts.intake.counters, parts.miner
    base = State(
        at=at,
        started_at=started_at,
        store_answers=False,
        newest_stored_at=counters.stored_at,
        mining_failures=miner.failures,
        recent_exchanges=counters.accepted,
        recent_dead_letters=counters.rejected,
        snapshot_version=parts.board.version,
        snapshot_at=parts.board.shown_at,
    )
    try:
        return _with_store(parts, base)
    except StillwatchError:
        return base


def _with_store(parts: Parts, base: State) -> State:
    store = parts.store
    mining = store.last_mining()
    live = store.decisions(live_at=base.at)
    segments = store.segments()
    known: dict[tuple[Verdict, CampaignState], int] = {}
    for one in parts.watch.known():
        kind = one.campaign.verdict, one.state
        known[kind] = known.get(kind, 0) + 1
    return State(
        at=base.at,
        started_at=base.started_at,
        store_answers=store.healthy(),
        newest_stored_at=base.newest_stored_at,
        last_mined_at=mining[0] if mining else None,
        mining_failures=base.mining_failures,
        recent_exchanges=base.recent_exchanges,
        recent_dead_letters=base.recent_dead_letters,
        dead_letters=store.dead_letter_count(),
        campaigns=known,
        decisions=dict(Counter((one.action, one.simulated) for one in live)),
        held_decisions=sum(one.held for one in live),
        snapshot_version=base.snapshot_version,
        snapshot_at=base.snapshot_at,
        segments=len(segments),
        segment_bytes=sum(one.bytes for one in segments),
    )


async def health_of(request: Ask) -> tuple[State, Health]:
    """The state, and what is to be doubted; matters keep the time they began."""
    app, parts = request.app, parts_of(request)
    state = await asyncio.to_thread(state_of, parts, app.state.started_at)
    limits = Thresholds(mined_s=max(7200.0, 3 * 60 * parts.config.live.mine_every_min))
    app.state.health = health(state, limits, getattr(app.state, "health", None))
    return state, app.state.health


@get("/health", opt={"scope": PUBLIC}, summary="Whether the process answers")
async def alive() -> dict[str, str]:
    """For a supervisor: it says nothing about detection."""
    return {"status": "ok"}


@get("/ready", opt={"scope": PUBLIC}, summary="Whether the store answers")
async def ready(request: Ask) -> Response[dict[str, str]]:
    """503 while exchanges would be refused."""
    fit = await asyncio.to_thread(parts_of(request).store.healthy)
    return Response({"status": "ok" if fit else "store away"}, status_code=200 if fit else 503)


@get("/v1/status", opt={"scope": "metrics:read"}, summary="How stale and how covered detection is")
async def status(request: Ask) -> Status:
    """In words, and in numbers."""
    parts = parts_of(request)
    state, found = await health_of(request)
    counters, miner = parts.intake.counters, parts.miner
    active = await asyncio.to_thread(parts.watch.active)
    return Status(
        status=found.status,
        reasons=tuple(reason.says for reason in found.reasons),
        details={
            "accepted": counters.accepted,
            "duplicates": counters.duplicates,
            "rejected": counters.rejected,
            "too_old": counters.too_old,
            "waiting": parts.intake.waiting,
            "newest_exchange": counters.newest.isoformat() if counters.newest else None,
            "last_mined_at": state.last_mined_at.isoformat() if state.last_mined_at else None,
            "mining": miner.mining_since is not None,
            "mining_failures": miner.failures,
            "mining_error": miner.last_error,
            "missing_columns": list(miner.last.missing_columns) if miner.last else None,
            "policy": active[0].digest if active else None,
            "mode": active[1] if active else None,
            "decision_version": parts.board.version,
            "segments": state.segments,
            "sources": {
                one.name: {
                    "condition": "broken" if one.name in parts.broken else one.state().condition,
                    "says": parts.broken.get(one.name, one.state().says),
                    "lag": one.lag(),
                }
                for one, _ in parts.sources
            },
        },
    )


@get("/metrics", opt={"scope": "metrics:read"}, summary="Prometheus metrics")
async def metrics(request: Ask) -> Response[bytes]:
    """Text exposition format."""
    state, found = await health_of(request)
    text = await asyncio.to_thread(request.app.state.metrics.exposition, state, found, request.app.state.outbox)
    return Response(text, media_type=CONTENT_TYPE)


HANDLERS = (alive, ready, status, metrics)
