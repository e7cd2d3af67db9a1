"""Who asks, and whether they may. Every route names its scope; one that names none is refused to everybody.

Programs send a bearer token; people send the session cookie, and with anything that changes something the session's
CSRF token in a header. It does not know what the routes do.
"""

from __future__ import annotations

from typing import Any

from litestar.connection import ASGIConnection
from litestar.enums import ScopeType
from litestar.exceptions import NotAuthorizedException, PermissionDeniedException
from litestar.handlers import BaseRouteHandler
from litestar.middleware import AbstractAuthenticationMiddleware, AuthenticationResult

from stillwatch.access.roles import Caller
from stillwatch.serve.doors import Doors

PUBLIC = "public"  # the scope of a route that anybody may ask
DOCUMENT = "/schema"
COOKIE, CSRF = "stillwatch_session", "x-csrf-token"
CHANGES = {"POST", "PUT", "PATCH", "DELETE"}


class Authentication(AbstractAuthenticationMiddleware):
    """Finds the caller of every request; who sends nothing is nobody, and guards refuse nobody."""

    async def authenticate_request(self, connection: ASGIConnection[Any, Any, Any, Any]) -> AuthenticationResult:
        doors: Doors = connection.app.state.doors
        bearer = connection.headers.get("authorization")
        if bearer is not None:
            return AuthenticationResult(user=await doors.by_token(bearer), auth="token")
        cookie = connection.cookies.get(COOKIE)
        if cookie is not None:
            csrf = connection.headers.get(CSRF)
            asked = connection.scope.get("method", "GET") if connection.scope["type"] == ScopeType.HTTP else "GET"
            caller = await doors.by_cookie(cookie, csrf, changes=asked in CHANGES)
            return AuthenticationResult(user=caller, auth="session")
        return AuthenticationResult(user=None, auth=None)


def allowed(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
    """The one guard of the application: the route's scope against the caller's. Default is to refuse."""
    scope = handler.opt.get("scope")
    if scope == PUBLIC:
        return
    caller: Caller | None = connection.scope.get("user")
    if caller is None:
        raise NotAuthorizedException("send a valid token (Authorization: Bearer ...) or log in")
    if scope is None and connection.scope["path"].startswith(DOCUMENT):
        return  # the OpenAPI document's own routes take no options; whoever may ask anything may read it
    if scope is None or scope not in caller.scopes:
        raise PermissionDeniedException(f"this needs the scope {scope}")
