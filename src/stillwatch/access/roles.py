"""Scopes, the roles that bundle them, and the caller who has them. None implies another: ``admin`` is one scope."""

from __future__ import annotations

from typing import Literal, get_args

import msgspec

from stillwatch.errors import InputError

Scope = Literal[
    "metrics:read",
    "campaigns:read",
    "campaigns:write",
    "decisions:read",
    "decisions:write",
    "ingest:write",
    "policy:read",
    "policy:write",
    "policy:approve",
    "prompts:read",
    "audit:read",
    "admin",
]
SCOPES: tuple[Scope, ...] = get_args(Scope)
Role = Literal["viewer", "analyst", "responder", "admin"]


def _scopes(*scopes: Scope) -> frozenset[Scope]:
    return frozenset(scopes)


_VIEWER = _scopes("metrics:read", "campaigns:read", "decisions:read", "policy:read")
# looks into what was asked, and says of a campaign that it is none
_ANALYST = _VIEWER.union(_scopes("campaigns:write", "prompts:read"))
# acts: decides, undoes, disarms, writes rules and releases what another had held back
_RESPONDER = _ANALYST.union(_scopes("decisions:write", "policy:write", "policy:approve", "audit:read"))
ROLE_SCOPES: dict[Role, frozenset[Scope]] = {
    "viewer": _VIEWER,
    "analyst": _ANALYST,
    "responder": _RESPONDER,
    "admin": frozenset(SCOPES),
}
# strongest last: who is in two groups has the stronger role
ROLES: tuple[Role, ...] = get_args(Role)


class Caller(msgspec.Struct, frozen=True, kw_only=True):
    """Who asks. ``name`` goes into the audit log; ``role`` is None for a token."""

    name: str
    kind: Literal["token", "person"]
    scopes: frozenset[str]
    role: Role | None = None

    def may(self, scope: Scope) -> bool:
        return scope in self.scopes


def caller_of_role(name: str, role: Role) -> Caller:
    """A person with everything the role may do."""
    return Caller(name=name, kind="person", role=role, scopes=frozenset(ROLE_SCOPES[role]))


def known_scopes(scopes: tuple[str, ...]) -> tuple[str, ...]:
    """Sorted, once each. Raises InputError where one does not exist, or there is none."""
    unknown = sorted(set(scopes) - set(SCOPES))
    if unknown:
        raise InputError(f"unknown scope {', '.join(unknown)}", hint=f"known: {', '.join(SCOPES)}")
    if not scopes:
        raise InputError("a token without scopes may do nothing", hint=f"known: {', '.join(SCOPES)}")
    return tuple(sorted(set(scopes)))
