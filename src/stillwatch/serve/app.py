"""The application: every route, one guard over all of them, and one OpenAPI document of it all.

Nothing of it is sent anywhere else: the document is served as JSON, without pages that load scripts from a CDN.
"""

from __future__ import annotations

import logging
from typing import Any

from litestar import Litestar, Request, Response
from litestar.datastructures import State
from litestar.exceptions import HTTPException
from litestar.middleware import DefineMiddleware
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import Components, SecurityScheme

from stillwatch import __version__
from stillwatch.alerts.metrics import Metrics
from stillwatch.alerts.outbox import Outbox
from stillwatch.clock import now
from stillwatch.errors import EngineError
from stillwatch.serve import campaigns, decisions, exchanges, gateways, monitoring, people, policies
from stillwatch.serve.doors import Doors
from stillwatch.serve.guard import DOCUMENT, Authentication, allowed
from stillwatch.serve.parts import Parts

HANDLERS = (
    *exchanges.HANDLERS,
    *decisions.HANDLERS,
    *campaigns.HANDLERS,
    *policies.HANDLERS,
    *people.HANDLERS,
    *gateways.HANDLERS,
    *monitoring.HANDLERS,
)
LOG = logging.getLogger("stillwatch.serve")
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}


def application(parts: Parts, doors: Doors, outbox: Outbox | None = None) -> Litestar:
    """The ASGI application over parts that run already."""
    state = State({"parts": parts, "doors": doors, "outbox": outbox, "metrics": Metrics(), "started_at": now()})
    return Litestar(
        list(HANDLERS),
        guards=[allowed],
        middleware=[DefineMiddleware(Authentication)],
        state=state,
        openapi_config=_document(),
        exception_handlers={EngineError: _away, HTTPException: _refused, Exception: _broken},
        request_max_body_size=parts.config.serve.max_body_mb << 20,
        response_headers=HEADERS,
        logging_config=None,
    )


def _document() -> OpenAPIConfig:
    bearer = SecurityScheme(type="http", scheme="bearer", description="An API token with the route's scope.")
    return OpenAPIConfig(
        title="Stillwatch",
        version=__version__,
        path=DOCUMENT,
        render_plugins=[JsonRenderPlugin()],
        components=Components(security_schemes={"token": bearer}),
        security=[{"token": []}],
    )


def _away(_: Request[Any, Any, State], error: EngineError) -> Response[dict[str, str]]:
    """The store, the disk or a broker refuses: nothing was taken, and the same request may be sent again."""
    return Response({"detail": str(error)}, status_code=503, headers=HEADERS | {"Retry-After": "1"})


def _broken(request: Request[Any, Any, State], error: Exception) -> Response[dict[str, str]]:
    """A fault of ours: told to the operator in full, and to whoever asked not at all."""
    LOG.error("%s %s failed", request.method, request.url.path, exc_info=error)
    said = {"detail": "an error of the service; its log says more"}
    return Response(said, status_code=500, headers=HEADERS)


def _refused(_: Request[Any, Any, State], error: HTTPException) -> Response[dict[str, Any]]:
    said: dict[str, Any] = {"detail": error.detail}
    if error.extra:
        said["problems"] = error.extra
    return Response(said, status_code=error.status_code, headers=HEADERS | dict(error.headers or {}))
