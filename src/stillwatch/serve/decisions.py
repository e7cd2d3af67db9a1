"""Routes of decisions: ask, be pushed, list, undo, approve, disarm."""

from __future__ import annotations

import asyncio
from typing import Annotated

from litestar import Response, get, post
from litestar.exceptions import ClientException, NotFoundException
from litestar.params import JSONBody, QueryParameter

from stillwatch.clock import now
from stillwatch.gateway import steady
from stillwatch.policy.undo import UndoPlan, undo_campaign, undo_decision, undo_everything, undo_version
from stillwatch.serve.asking import Ask, caller_of, note, parts_of
from stillwatch.serve.wire import Answered, Approve, Asked, Because, Counted, Decisions, Undo
from stillwatch.store.protocol import Store

LONGEST_WAIT_S = 60.0
READ, WRITE = {"scope": "decisions:read"}, {"scope": "decisions:write"}
Limit = Annotated[int, QueryParameter(ge=1, le=100_000)]


@post("/v1/decide", opt=READ, status_code=200, summary="What to do about an account now")
async def decide(request: Ask, data: JSONBody[Asked]) -> Answered:
    """A look-up in memory. Gateways that ask often hold the table themselves (``/v1/decisions/snapshot``)."""
    board = parts_of(request).board
    answer = board.table.decide(data.platform, data.account_id, steady.now_us())
    return Answered(
        action=answer.action,
        passes=answer.passes,
        why=answer.why,
        value=answer.value,
        retry_after_s=answer.retry_after_s,
        decision_id=answer.decision_id or None,
        would=answer.would,
        version=board.version,
    )


@get("/v1/decisions/snapshot", opt=READ, summary="The decision table, or what changed in it, for gateways")
async def snapshot(
    request: Ask,
    since: Annotated[int, QueryParameter(ge=0, le=2**62)] = 0,
    wait: Annotated[float, QueryParameter(ge=0, le=LONGEST_WAIT_S)] = 0.0,
) -> Response[bytes]:
    """Answers at once where something is newer than ``since`` and its If-None-Match, else within ``wait`` s."""
    board = parts_of(request).board
    found = await board.since(request.headers.get("if-none-match"), since, wait, now())
    headers = {"ETag": board.tag(), "X-Stillwatch-Version": str(board.version), "Cache-Control": "no-store"}
    if found is None:
        return Response(b"", status_code=304, headers=headers)
    return Response(found, media_type="application/vnd.stillwatch.snapshot", headers=headers)


@get("/v1/decisions", opt=READ, summary="Decisions, the latest first")
async def decisions(
    request: Ask,
    live: Annotated[bool, QueryParameter()] = True,  # noqa: FBT002 - a query parameter
    campaign_id: Annotated[str | None, QueryParameter(max_length=512)] = None,
    limit: Limit = 1000,
) -> Decisions:
    """``live``: neither undone nor expired; otherwise all that are kept."""
    store = parts_of(request).store
    version = await asyncio.to_thread(store.decision_version)
    found = await asyncio.to_thread(store.decisions, now() if live else None, campaign_id)
    return Decisions(version=version, decisions=tuple(reversed(found[-limit:])))


@post("/v1/decisions/undo", opt=WRITE, status_code=200, summary="Undo decisions: some, a campaign's, a rule version's")
async def undo(request: Ask, data: JSONBody[Undo]) -> Counted:
    """Reaches gateways within seconds. Nothing is removed: who undid what and why stays with the decision."""
    parts = parts_of(request)
    plan = await asyncio.to_thread(_plan, parts.store, data)
    count = await asyncio.to_thread(
        parts.store.undo_decisions, list(plan.ids), now(), caller_of(request).name, data.because
    )
    await note(request, "decisions.undo", plan.what, because=data.because, count=str(count))
    return Counted(count=count)


def _plan(store: Store, asked: Undo) -> UndoPlan:
    made, at, because = store.decisions(), now(), asked.because
    if sum((bool(asked.decision_ids), asked.campaign_id is not None, asked.rule_version is not None, asked.all)) != 1:
        raise ClientException("name one of decision_ids, campaign_id, rule_version and all")
    if asked.campaign_id is not None:
        return undo_campaign(made, asked.campaign_id, at, because)
    if asked.rule_version is not None:
        return undo_version(made, asked.rule_version, at, because)
    if asked.all:
        return undo_everything(made, at, because)
    plans = [undo_decision(made, one, at, because) for one in asked.decision_ids]
    if not any(plan.ids for plan in plans):
        raise NotFoundException("no such decision stands")
    return UndoPlan(
        what=", ".join(asked.decision_ids[:5]),
        ids=tuple(one for plan in plans for one in plan.ids),
        because=because,
        accounts=sum(plan.accounts for plan in plans),
        released=sum(plan.released for plan in plans),
        actions={},
        restores={},
    )


@post("/v1/decisions/approve", opt={"scope": "policy:approve"}, status_code=200, summary="Release held decisions")
async def approve(request: Ask, data: JSONBody[Approve]) -> Counted:
    """A second person's word: whoever last set the policy's mode may not release what it held."""
    parts, who = parts_of(request), caller_of(request).name
    if caller_of(request).kind != "person":
        raise ClientException("a person has to approve: log in", status_code=403)
    if who == await asyncio.to_thread(_armed_by, parts.store):
        raise ClientException("who armed the rules may not approve what they hold", status_code=409)
    count = await asyncio.to_thread(parts.store.approve_decisions, list(data.decision_ids), now(), who)
    await note(request, "decisions.approve", ", ".join(data.decision_ids[:20]), count=str(count))
    return Counted(count=count)


def _armed_by(store: Store) -> str | None:
    """Who last staged or armed the active policy, by the audit log."""
    active = {version.digest for version in store.policies() if version.active}
    last, after = None, 0
    while page := store.audit(after=after):
        for entry in page:
            enforces = entry.detail.get("mode") in {"staged", "armed"}
            if entry.what == "policy.mode" and entry.target in active and enforces:
                last = entry.who
        after = page[-1].number
    return last


@post("/v1/disarm", opt=WRITE, status_code=200, summary="Back to shadow, and undo everything")
async def disarm(request: Ask, data: JSONBody[Because]) -> Counted:
    """The red button: the active policy goes back to shadow, and every standing decision is undone."""
    parts, who = parts_of(request), caller_of(request).name
    count = await asyncio.to_thread(disarm_store, parts.store, who, data.because)
    await note(request, "policy.disarm", "everything", because=data.because, count=str(count))
    return Counted(count=count)


def disarm_store(store: Store, who: str, because: str) -> int:
    """How many decisions were undone."""
    at = now()
    for version in store.policies():
        if version.active and version.mode in {"staged", "armed"}:
            store.set_mode(version.digest, "shadow")
    plan = undo_everything(store.decisions(), at, because)
    return store.undo_decisions(list(plan.ids), at, who, plan.because)


HANDLERS = (decide, snapshot, decisions, undo, approve, disarm)
