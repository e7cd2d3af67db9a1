"""Routes of the rules: versions, which one is active, how far it may act, what it would do now."""

from __future__ import annotations

import asyncio

from litestar import get, post
from litestar.exceptions import ClientException, NotFoundException
from litestar.params import FromPath, JSONBody

from stillwatch.clock import now
from stillwatch.errors import ConfigError, InputError
from stillwatch.model import Mode
from stillwatch.policy.compile import compile_policy
from stillwatch.serve.asking import Ask, caller_of, note, parts_of
from stillwatch.serve.wire import Because, PolicyLine, PolicyText, SetMode
from stillwatch.store.protocol import PolicyVersion, Store

READ, WRITE = {"scope": "policy:read"}, {"scope": "policy:write"}


def line(version: PolicyVersion) -> PolicyLine:
    """A version as it is shown."""
    return PolicyLine(
        digest=version.digest,
        added_at=version.added_at,
        added_by=version.added_by,
        mode=version.mode,
        active=version.active,
        text=version.text,
    )


@get("/v1/policies", opt=READ, summary="Every version of the rules")
async def policies(request: Ask) -> list[PolicyLine]:
    """Oldest first; one is active."""
    return [line(version) for version in await asyncio.to_thread(parts_of(request).store.policies)]


@post("/v1/policies", opt=WRITE, status_code=200, summary="Add a version of the rules")
async def add_policy(request: Ask, data: JSONBody[PolicyText]) -> PolicyLine:
    """Compiled at once, every error at its key. A new version is neither active nor armed."""
    parts = parts_of(request)
    try:
        policy, _ = compile_policy(data.text, "policy")
    except ConfigError as error:
        raise ClientException(str(error)) from error
    version = PolicyVersion(
        digest=policy.digest,
        text=data.text,
        added_at=now(),
        added_by=caller_of(request).name,
        mode="shadow",
        active=False,
    )
    known = {one.digest: one for one in await asyncio.to_thread(parts.store.policies)}
    if policy.digest in known:
        return line(known[policy.digest])
    await asyncio.to_thread(parts.store.put_policy, version)
    await note(request, "policy.add", policy.digest)
    return line(version)


@post("/v1/policies/{digest:str}/activate", opt=WRITE, status_code=200, summary="Make a version the active one")
async def activate(request: Ask, digest: FromPath[str], data: JSONBody[Because]) -> PolicyLine:
    """It begins in shadow, whatever the one before was allowed."""
    parts = parts_of(request)
    found = await _version(parts.store, digest)
    changed = PolicyVersion(
        digest=digest,
        text=found.text,
        added_at=found.added_at,
        added_by=found.added_by,
        mode="shadow",
        active=True,
    )
    await asyncio.to_thread(parts.store.put_policy, changed)
    await note(request, "policy.activate", digest, because=data.because)
    parts.note(await asyncio.to_thread(parts.watch.decide_again, now()))
    return line(changed)


@post("/v1/policies/{digest:str}/mode", opt=WRITE, status_code=200, summary="Off, shadow, staged or armed")
async def set_mode(request: Ask, digest: FromPath[str], data: JSONBody[SetMode]) -> PolicyLine:
    """Arming is a person's act: a token may only go back towards shadow."""
    parts, caller = parts_of(request), caller_of(request)
    found = await _version(parts.store, digest)
    if _further(data.mode, found.mode) and caller.kind != "person":
        raise ClientException("a person has to arm the rules: log in", status_code=403)
    try:
        await asyncio.to_thread(parts.store.set_mode, digest, data.mode)
    except InputError as error:
        raise NotFoundException(str(error)) from error
    await note(request, "policy.mode", digest, mode=data.mode, before=found.mode, because=data.because)
    parts.note(await asyncio.to_thread(parts.watch.decide_again, now()))
    return line(await _version(parts.store, digest))


def _further(after: Mode, before: Mode) -> bool:
    order: tuple[Mode, ...] = ("off", "shadow", "staged", "armed")
    return order.index(after) > max(order.index(before), order.index("shadow"))


async def _version(store: Store, digest: str) -> PolicyVersion:
    for version in await asyncio.to_thread(store.policies):
        if version.digest == digest:
            return version
    raise NotFoundException(f"no version {digest} of the rules")


HANDLERS = (policies, add_policy, activate, set_mode)
