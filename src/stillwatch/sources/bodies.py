"""Bytes as they came → bytes as they were meant: compression undone within a limit, the container told.

A body that expands past the limit is refused before it is held; so is one that asks the decompressor for a window of
more than 8 MB (what RFC 9659 allows over HTTP). Knows nothing of records.
"""

from __future__ import annotations

import io
import zlib

import msgspec
import zstandard

from stillwatch.errors import InputError
from stillwatch.ingest.records import Signal
from stillwatch.ingest.sources import Container, Source, body_source

MAX_BODY_BYTES = 256 << 20
_WINDOW_BYTES = 8 << 20
_STEP_BYTES = 1 << 20
_MAGIC = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd"}
_CONTAINERS: dict[str, Container] = {
    "application/x-protobuf": "protobuf",
    "application/protobuf": "protobuf",
    "application/vnd.apache.parquet": "parquet",
    "application/x-parquet": "parquet",
    "application/x-ndjson": "lines",
    "application/ndjson": "lines",
    "application/jsonl": "lines",
    "text/csv": "csv",
}


class Body(msgspec.Struct, frozen=True, kw_only=True):
    """Bytes to decode, and what is known of them.

    ``format`` names a format of ingest, None has it recognised; ``container`` is for who knows. ``media_type`` and
    ``encoding`` are the headers of HTTP (compression is seen without them). ``signal`` says what an OTLP protobuf
    holds. ``place`` names where the bytes stood, so that the same record at the same place gets the same made-up id;
    bytes of a request have none. ``start`` is the offset of the first of them at that place. ``problem``: the source
    could not read on here, and why.
    """

    data: bytes
    format: str | None = None
    media_type: str = ""
    encoding: str = ""
    signal: Signal | None = None
    container: Container | None = None
    place: str = ""
    start: int = 0
    problem: str | None = None


def opened(body: Body, max_bytes: int = MAX_BODY_BYTES) -> Source:
    """The body decompressed, as a source. Raises InputError where that cannot be done, or gives too much."""
    if body.problem is not None:
        raise InputError(body.problem, source=body.place)
    data = _decompressed(body, max_bytes)
    media_type = body.media_type.split(";", 1)[0].strip().lower()
    container = body.container or _CONTAINERS.get(media_type)
    looks_json = data[:64].lstrip()[:1] == b"{"
    if data[:4] == b"PAR1":
        container = "parquet"
    elif container in (None, "protobuf") and (container == "protobuf" or body.signal is not None):
        container = "document" if looks_json else "protobuf"
    if container == "parquet" and (len(data) < 12 or data[:4] != b"PAR1" or data[-4:] != b"PAR1"):
        raise InputError("truncated or damaged Parquet", source=body.place, hint="send it again")
    return body_source(data, "", container)


def _decompressed(body: Body, max_bytes: int) -> bytes:
    data = body.data
    encodings = [part.strip().lower() for part in body.encoding.split(",") if part.strip().lower() != "identity"]
    encodings = [part for part in encodings if part]
    if len(encodings) > 1:
        raise InputError("more than one content encoding", source=body.place, hint="compress once, with gzip or zstd")
    found = _MAGIC.get(data[:2]) or _MAGIC.get(data[:4])
    named = encodings[0].removeprefix("x-") if encodings else found
    if named is None:
        if len(data) > max_bytes:
            raise _too_large(body, max_bytes)
        return data
    if named not in ("gzip", "zstd"):
        raise InputError(f"unknown content encoding {named[:20]!r}", source=body.place, hint="use gzip or zstd")
    try:
        whole = _gunzip(data, max_bytes) if named == "gzip" else _unzstd(data, max_bytes)
    except EOFError as error:
        raise InputError("the compressed body ends early", source=body.place, hint="send it again") from error
    except (zlib.error, zstandard.ZstdError) as error:
        raise InputError("the compressed body is damaged", source=body.place, hint="send it again") from error
    if whole is None:
        raise _too_large(body, max_bytes)
    return whole


def _too_large(body: Body, max_bytes: int) -> InputError:
    return InputError(f"more than {max_bytes:,} bytes of content", source=body.place, hint="send less at a time")


def _gunzip(data: bytes, max_bytes: int) -> bytes | None:
    """All members; None past the limit. Raises EOFError and zlib.error."""
    parts: list[bytes] = []
    total, rest = 0, data
    while rest:
        decoder = zlib.decompressobj(31)
        feed = rest
        while not decoder.eof:
            part = decoder.decompress(feed, _STEP_BYTES)
            feed = decoder.unconsumed_tail
            if not part and not feed and not decoder.eof:
                raise EOFError
            total += len(part)
            if total > max_bytes:
                return None
            parts.append(part)
        rest = decoder.unused_data.lstrip(b"\0")
    return b"".join(parts)


def _unzstd(data: bytes, max_bytes: int) -> bytes | None:
    """All frames; None past the limit. Raises EOFError and ZstdError."""
    parts: list[bytes] = []
    total, rest = 0, data
    while rest:
        decoder = zstandard.ZstdDecompressor(max_window_size=_WINDOW_BYTES).decompressobj()
        feed = io.BytesIO(rest)
        # a small piece in: what comes out at once is bounded too
        while not decoder.eof and (piece := feed.read(4096)):
            part = decoder.decompress(piece)
            total += len(part)
            if total > max_bytes:
                return None
            parts.append(part)
        if not decoder.eof:
            raise EOFError
        rest = decoder.unused_data + feed.read()
    return b"".join(parts)
