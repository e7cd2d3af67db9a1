"""Routes that take exchanges in: the data contract, LiteLLM's log sink, OTLP, and the side table of accounts."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
from litestar import Request, Response, post
from litestar.datastructures import State
from litestar.exceptions import ClientException

from stillwatch.clock import now
from stillwatch.errors import InputError
from stillwatch.ingest.accounts import account_rows
from stillwatch.ingest.records import Signal
from stillwatch.live.feeds import at
from stillwatch.live.intake import Offer
from stillwatch.serve.parts import Parts
from stillwatch.serve.wire import Counted, Stored
from stillwatch.sources.bodies import Body
from stillwatch.sources.decode import decode
from stillwatch.sources.letters import dead_letters

SCOPE = {"scope": "ingest:write"}
Ask = Request[Any, Any, State]


async def _take(request: Ask, name: str, *, form: str | None = None, signal: Signal | None = None) -> Stored:
    parts: Parts = request.app.state.parts
    body = Body(
        data=await request.body(),
        format=form,
        media_type=request.headers.get("content-type", ""),
        encoding=request.headers.get("content-encoding", ""),
        signal=signal,
    )
    loop = asyncio.get_running_loop()
    decoded = await loop.run_in_executor(parts.readers, decode, body, at(parts.reading))
    letters = dead_letters(name, decoded.letters, now())
    taken = await asyncio.wrap_future(parts.intake.offer(Offer(decoded.batch, letters)))
    problems = tuple(f"{one.position}: {one.because}" for one in decoded.letters[:5])
    if decoded.refused is not None and not decoded.batch.num_rows:
        raise ClientException(decoded.refused)
    return Stored(
        accepted=taken.accepted,
        duplicates=taken.duplicates,
        rejected=decoded.rejected,
        too_old=taken.too_old,
        problems=problems,
    )


@post("/v1/exchanges", opt=SCOPE, status_code=200, summary="Exchanges as NDJSON, a JSON array or Parquet")
async def put_exchanges(request: Ask) -> Stored:
    """The data contract's columns, plain or compressed (gzip, zstd). Durable once answered; repeats are harmless."""
    return await _take(request, "http", form="canonical")


@post("/v1/litellm", opt=SCOPE, status_code=200, summary="LiteLLM's generic API log sink")
async def put_litellm(request: Ask) -> Stored:
    """StandardLoggingPayload records as a JSON array or NDJSON."""
    return await _take(request, "http:litellm", form="litellm")


@post("/v1/traces", opt=SCOPE, status_code=200, summary="OTLP traces (GenAI conventions)")
async def put_traces(request: Ask) -> Response[bytes]:
    """OTLP/HTTP as protobuf or JSON."""
    return await _otlp(request, "traces")


@post("/v1/logs", opt=SCOPE, status_code=200, summary="OTLP logs (GenAI conventions)")
async def put_logs(request: Ask) -> Response[bytes]:
    """OTLP/HTTP as protobuf or JSON."""
    return await _otlp(request, "logs")


async def _otlp(request: Ask, signal: Signal) -> Response[bytes]:
    """Answers in the encoding of the question, as OTLP asks: what was rejected is a partial success."""
    stored = await _take(request, f"http:otlp-{signal}", form="otel", signal=signal)
    kind = "rejectedSpans" if signal == "traces" else "rejectedLogRecords"
    if "protobuf" not in request.headers.get("content-type", ""):
        partial = {kind: str(stored.rejected), "errorMessage": "; ".join(stored.problems)} if stored.rejected else {}
        return Response(msgspec.json.encode({"partialSuccess": partial}), media_type="application/json")
    return Response(_partial_success(stored), media_type="application/x-protobuf")


def _partial_success(stored: Stored) -> bytes:
    """ExportTraceServiceResponse and ExportLogsServiceResponse have one shape: field 1, of a count and a message."""
    if not stored.rejected:
        return b""
    says = "; ".join(stored.problems).encode()[:1000]
    inner = b"\x08" + _varint(stored.rejected) + b"\x12" + _varint(len(says)) + says
    return b"\x0a" + _varint(len(inner)) + inner


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])


@post("/v1/accounts", opt=SCOPE, status_code=200, summary="Rows of the accounts table")
async def put_accounts(request: Ask) -> Counted:
    """NDJSON, a JSON array or Parquet; later rows replace earlier ones. All or nothing."""
    parts: Parts = request.app.state.parts
    body = await request.body()
    try:
        rows = await asyncio.to_thread(account_rows, body)
    except InputError as error:
        raise ClientException(str(error)) from error
    return Counted(count=await asyncio.to_thread(parts.watch.put_accounts, rows))


HANDLERS = (put_exchanges, put_litellm, put_traces, put_logs, put_accounts)
