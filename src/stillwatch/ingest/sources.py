"""Files behind the names a user gives: globs and directories opened up, compression undone, the first bytes seen.

Bytes that are at hand already (the body of a request, a message of a broker) are a source like a file.

Knows bytes and containers (Parquet, CSV, lines of JSON, one JSON document); knows nothing of what records mean.
"""

from __future__ import annotations

import glob
import io
import re
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any, Literal

import msgspec
import numpy as np
import numpy.typing as npt
import zstandard

from stillwatch.errors import InputError
from stillwatch.ingest.options import MAX_ROW_BYTES

Container = Literal["parquet", "csv", "lines", "document", "protobuf"]

HEAD_BYTES = 256 << 10
_CHUNK_BYTES = 16 << 20
_SUFFIXES = (".parquet", ".pq", ".jsonl", ".ndjson", ".json", ".csv", ".log", ".txt", ".pb", ".binpb", ".otlp")
_COMPRESSED = (".gz", ".zst", ".zstd")


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """One file to read; ``head`` is its first bytes after decompression. ``body`` is all of what came by wire."""

    path: Path
    size: int
    compression: Literal["", "gz", "zst"]
    container: Container
    head: bytes
    body: bytes | None = None

    @property
    def name(self) -> str:
        return str(self.path)


class EmptyFileError(InputError):
    """A file without content: an error when alone, passed over among others."""


def find_files(given: Sequence[str | Path]) -> list[Path]:
    """The files behind paths, globs and directories, sorted, each once. Raises InputError where there are none."""
    found: dict[Path, None] = {}
    for item in given:
        for path in _files_behind(item):
            found.setdefault(path)
    if not found:
        raise InputError("no input given", hint="name files, globs or directories")
    return list(found)


def _files_behind(item: str | Path) -> list[Path]:
    path = Path(item)
    if path.is_dir():
        files = sorted(entry for entry in path.rglob("*") if entry.is_file() and is_readable_name(entry))
        if not files:
            raise InputError(
                "no readable files in this directory",
                source=str(path),
                hint="expected Parquet, JSONL, JSON, CSV or log files, plain or .gz or .zst",
            )
        return files
    if path.exists():
        return [path]
    # Path.glob takes no absolute patterns
    matches = [Path(match) for match in sorted(glob.iglob(str(item), recursive=True)) if Path(match).is_file()]  # noqa: PTH207
    if not matches:
        what = "no file matches" if glob.has_magic(str(item)) else "no such file"
        raise InputError(what, source=str(item), hint="check the path")
    return matches


def is_readable_name(path: Path) -> bool:
    """Whether a file found in a directory is traffic by its name: not hidden, not unfinished, of a known suffix."""
    if any(part.startswith((".", "_")) for part in path.parts[-1:]):
        return False
    suffixes = [suffix.lower() for suffix in path.suffixes]
    if suffixes and suffixes[-1] in _COMPRESSED:
        suffixes.pop()
    return bool(suffixes) and suffixes[-1] in _SUFFIXES


def open_source(path: Path) -> Source:
    """Looks at the first bytes. Raises InputError for empty, binary and unreadable files."""
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            magic = file.read(4)
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", source=str(path)) from error
    compression: Literal["", "gz", "zst"] = (
        "gz" if magic[:2] == b"\x1f\x8b" else "zst" if magic == b"\x28\xb5\x2f\xfd" else ""
    )
    source = Source(path=path, size=size, compression=compression, container="lines", head=b"")
    with open_bytes(source) as stream:
        head, broken = read_up_to(stream, HEAD_BYTES)
    if broken is not None and not head.strip():
        raise broken_compression(source, broken)
    if not head.strip(b"\xef\xbb\xbf \t\r\n"):
        raise EmptyFileError("the file is empty", source=str(path), hint="remove it from the input or fetch it again")
    return msgspec.structs.replace(source, head=head, container=container_of(path, head))


def body_source(body: bytes, name: str, container: Container | None = None) -> Source:
    """Decompressed bytes as a source. Raises InputError for empty and binary ones."""
    head = body[:HEAD_BYTES]
    blank = b"\xef\xbb\xbf \t\r\n"
    if not head.strip(blank) and not body.strip(blank):
        raise EmptyFileError("nothing in it", source=name)
    path = Path(name)
    found = container or container_of(path, head)
    return Source(path=path, size=len(body), compression="", container=found, head=head, body=body)


def container_of(path: Path, head: bytes) -> Container:
    """What the first bytes (decompressed) and the name say. Raises InputError for binary files of no known kind."""
    name = path.name.lower()
    for suffix in _COMPRESSED:
        name = name.removesuffix(suffix)
    if head[:4] == b"PAR1":
        return "parquet"
    if name.endswith((".parquet", ".pq")):
        raise InputError("this is not a Parquet file", source=str(path), hint="its first bytes are not PAR1")
    if name.endswith((".pb", ".binpb", ".otlp")) and not head.lstrip().startswith(b"{"):
        return "protobuf"
    if is_binary(head):
        raise InputError(
            "a binary file, not text", source=str(path), hint="expected Parquet, JSONL, JSON, CSV or a log"
        )
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    if _is_json(text):
        return "lines" if _first_line_is_json(text) else "document"
    first = text.split(b"\n", 1)[0].rstrip(b"\r")
    return "csv" if name.endswith(".csv") or _is_csv_header(first) else "lines"


def _is_json(text: bytes) -> bool:
    """Not a log line that begins with a bracketed time."""
    return text[:1] == b"{" or (text[:1] == b"[" and text[1:].lstrip()[:1] in (b"{", b"[", b"]", b'"', b""))


def _is_csv_header(first: bytes) -> bool:
    cells = first.split(b",")
    return len(cells) >= 3 and all(re.fullmatch(rb'\s*"?[\w.\-/ ]{1,64}"?\s*', cell) for cell in cells)


def _first_line_is_json(text: bytes) -> bool:
    first, _, rest = text.partition(b"\n")
    if first[:1] == b"[":
        return False
    try:
        msgspec.json.decode(first, type=msgspec.Raw)
    except msgspec.DecodeError:
        # broken first line of many, or the first line of a pretty-printed document?
        return first.strip() != b"{" and rest.lstrip()[:1] in (b"{", b"")
    return True


def is_binary(head: bytes) -> bool:
    """More than one control character in twenty: no text of ours looks like that."""
    if not head:
        return False
    seen = np.bincount(np.frombuffer(head, np.uint8), minlength=256)
    control = int(seen[:9].sum() + seen[11:13].sum() + seen[14:32].sum() + seen[127])
    return control * 20 > len(head)


class _Inflater(io.RawIOBase):
    """Decompresses frame after frame; unlike the libraries' own readers it notices a stream that ends early."""

    def __init__(self, file: IO[bytes], compression: str) -> None:
        self._file, self._compression = file, compression
        self._decoder: Any = self._new_decoder()
        self._fed = False
        self._input, self._ready = b"", memoryview(b"")

    def _new_decoder(self) -> Any:
        return zlib.decompressobj(31) if self._compression == "gz" else zstandard.ZstdDecompressor().decompressobj()

    def readable(self) -> bool:
        return True

    def readinto(self, into: Any, /) -> int:
        view = memoryview(into).cast("B")
        while not self._ready:
            if not self._advance():
                return 0
        count = min(len(view), len(self._ready))
        view[:count] = self._ready[:count]
        self._ready = self._ready[count:]
        return count

    def _advance(self) -> bool:
        if self._decoder.eof:
            self._input = self._decoder.unused_data.lstrip(b"\0")
            self._decoder, self._fed = self._new_decoder(), False
        if not self._input:
            self._input = self._file.read(1 << 20)
        if not self._input:
            if self._fed:
                raise EOFError
            return False
        data, self._input, self._fed = self._input, b"", True
        self._ready = memoryview(self._decoder.decompress(data))
        return True

    def close(self) -> None:
        self._file.close()
        super().close()


def open_bytes(source: Source) -> IO[bytes]:
    """The decompressed bytes, unbuffered. Reading may raise EOFError, zlib.error or ZstdError: see ``reading``."""
    if source.body is not None:
        return io.BytesIO(source.body)
    file = source.path.open("rb", buffering=0)
    if not source.compression:
        return file  # type: ignore[return-value]
    return _Inflater(file, source.compression)  # type: ignore[return-value]


def read_up_to(stream: IO[bytes], count: int) -> tuple[bytes, Exception | None]:
    """At most ``count`` bytes; of a stream that breaks what came before the break, and what broke it."""
    parts: list[bytes] = []
    while count > 0:
        try:
            part = stream.read(count)
        except (EOFError, zlib.error, zstandard.ZstdError) as error:
            return b"".join(parts), error
        if not part:
            break
        parts.append(part)
        count -= len(part)
    return b"".join(parts), None


def read_all(source: Source, limit: int = 2 << 30) -> bytes:
    """The whole decompressed file (for documents). Raises InputError where it is broken or over ``limit`` bytes."""
    if source.body is not None:
        return source.body
    with open_bytes(source) as stream:
        parts: list[bytes] = []
        total = 0
        try:
            while part := stream.read(1 << 22):
                parts.append(part)
                total += len(part)
                if total > limit:
                    raise InputError(
                        f"one JSON document of more than {limit >> 30} GB",
                        source=source.name,
                        hint="write one record per line",
                    )
        except (EOFError, zlib.error, zstandard.ZstdError) as error:
            raise broken_compression(source, error) from error
    return b"".join(parts)


def broken_compression(source: Source, error: Exception, line: int | None = None) -> InputError:
    """The error for a compressed stream that breaks, at the line reached."""
    what = "the compressed file ends early" if isinstance(error, EOFError) else "the compressed file is damaged"
    return InputError(
        what, source=source.name, line=line, hint="fetch it again, or decompress what is left of it yourself"
    )


class Chunk:
    """Whole lines in one buffer, valid until the next chunk is asked for. ``first_line`` counts from 1."""

    def __init__(self, data: memoryview, offsets: npt.NDArray[np.int32], first_line: int) -> None:
        self.data, self.offsets, self.first_line = data, offsets, first_line

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def line(self, index: int) -> bytes:
        return bytes(self.data[self.offsets[index] : self.offsets[index + 1]]).rstrip(b"\r\n")

    def lines(self) -> Iterator[tuple[int, bytes]]:
        for index in range(len(self)):
            yield self.first_line + index, self.line(index)


class TooLong(msgspec.Struct, frozen=True):
    """A line over the limit: its number and how it begins."""

    line: int
    head: bytes


def read_chunks(source: Source, chunk_bytes: int = _CHUNK_BYTES) -> Iterator[Chunk | TooLong]:
    """Lines in blocks of about ``chunk_bytes``; memory stays under twice that plus the longest line allowed.

    Raises InputError where a compressed stream breaks.
    """
    size = chunk_bytes if source.compression else min(chunk_bytes, source.size + 4096)
    buffer = bytearray(2 * size)
    have, line, skipping = 0, 1, False
    with open_bytes(source) as stream:
        while True:
            got = _fill(stream, memoryview(buffer)[have : have + size], source, line)
            if have == 0 and line == 1 and buffer.startswith(b"\xef\xbb\xbf"):
                buffer[:3] = b"   "
            have += got
            ends = np.flatnonzero(np.frombuffer(buffer, np.uint8, have) == 10).astype(np.int32) + 1
            if got == 0:
                ends = np.append(ends, np.int32(have)) if have and (not len(ends) or ends[-1] != have) else ends
            if skipping and len(ends):
                cut = int(ends[0])
                buffer[:cut] = b" " * (cut - 1) + b"\n"  # the tail of a line already reported
                skipping = False
            if len(ends):
                offsets = np.concatenate((np.zeros(1, np.int32), ends))
                yield Chunk(memoryview(buffer), offsets, line)
                line += len(ends)
                rest = have - int(ends[-1])
                buffer[:rest] = buffer[int(ends[-1]) : have]
                have = rest
            if got == 0:
                return
            if skipping:
                have = 0
            elif have > MAX_ROW_BYTES:
                yield TooLong(line, bytes(buffer[:4096]))
                have, skipping = 0, True
            elif have + size > len(buffer):
                buffer = buffer[:have] + bytearray(have + 2 * size)


def _fill(stream: IO[bytes], into: memoryview, source: Source, line: int) -> int:
    got = 0
    try:
        while got < len(into):
            count = stream.readinto(into[got:])  # type: ignore[attr-defined]
            if not count:
                break
            got += count
    except (EOFError, zlib.error, zstandard.ZstdError) as error:
        raise broken_compression(source, error, line) from error
    return got
