"""What every route does with a request: find the parts, the caller, and write down what was changed."""

from __future__ import annotations

import asyncio
from typing import Any

from litestar import Request
from litestar.datastructures import State

from stillwatch.access.roles import Caller
from stillwatch.clock import now
from stillwatch.serve.doors import Doors
from stillwatch.serve.parts import Parts

Ask = Request[Any, Any, State]


def parts_of(request: Ask) -> Parts:
    """What the service stands on."""
    return request.app.state.parts


def doors_of(request: Ask) -> Doors:
    """Who may come in."""
    return request.app.state.doors


def caller_of(request: Ask) -> Caller:
    """Who asks; a guard let nobody else come this far."""
    caller: Caller | None = request.scope.get("user")
    assert caller is not None
    return caller


async def note(request: Ask, what: str, target: str, **detail: str) -> None:
    """One line of the audit log, written before the answer is sent."""
    store, who = parts_of(request).store, caller_of(request).name
    await asyncio.to_thread(store.append_audit, now(), who, what, target, detail)
