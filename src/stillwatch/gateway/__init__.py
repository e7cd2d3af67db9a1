"""Gateways ask a table in memory; what they ask never leaves the process and never waits for the service.

``snapshot`` is the form that decisions travel in, ``table`` what a gateway asks, ``client`` keeps it fresh, ``publish``
is the service's side; ``asgi``, ``litellm``, ``litellm_http``, ``envoy`` and ``portkey`` fit it into gateways. Nothing
here imports a gateway's package: each integration imports its own, when it is imported itself.
"""

from __future__ import annotations
