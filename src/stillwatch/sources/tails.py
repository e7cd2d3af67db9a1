"""Which files there are, which of them is which, and what is new in each: the blocking half of the source of files.

Called from one thread at a time. Knows bytes and newlines, not records. The clock is the monotonic one, only to tell
whether a file has settled.
"""

from __future__ import annotations

import glob
import hashlib
import os
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec

from stillwatch.errors import InputError
from stillwatch.ingest.options import MAX_ROW_BYTES
from stillwatch.ingest.sources import HEAD_BYTES, container_of, is_readable_name
from stillwatch.sources.bodies import Body
from stillwatch.sources.config import Files
from stillwatch.sources.finished import parts

_HEAD = 256  # bytes that a file is recognised by
_MARK = 64  # bytes before the offset that must still be there
_CHUNK = 1 << 20
_LINGER_S = 10.0  # a writer may go on for a while in a file that was renamed
_WHOLE_MAGIC = (b"PAR1", b"\x1f\x8b", b"\x28\xb5\x2f\xfd")

Read = tuple[Body, str]


class Stored(msgspec.Struct, frozen=True):
    """What a stored partition and position say."""

    partition: str
    device: int
    inode: int
    head_length: int
    head: str
    position: str

    def offset(self) -> int | None:
        """The byte reached; None in the middle of a file that is not read by bytes."""
        number, dash, _ = self.position.partition("-")
        return int(number) if dash and number.isdigit() else None


def stored_of(partition: str, position: str) -> Stored | None:
    """None for what this source did not write."""
    try:
        device, inode, length, head = partition.rsplit("@", 1)[1].split(".")
        return Stored(partition, int(device, 16), int(inode, 16), int(length), head, position)
    except (IndexError, ValueError):
        return None


def _digest(data: bytes) -> str:
    return hashlib.blake2b(data, digest_size=8).hexdigest()


class Tail:
    """One file, open, and how far it was read."""

    def __init__(self, path: Path, file: int, status: os.stat_result) -> None:
        self.path, self._file = path, file
        self.key = (status.st_dev, status.st_ino)
        head = os.pread(file, _HEAD, 0)
        self._head_length, self._head = len(head), _digest(head)
        self.partition = f"{path.name}@{self.key[0]:x}.{self.key[1]:x}.{self._head_length}.{self._head}"
        self.offset = 0
        self._mark = b""
        self._from = ""  # position to go on from, in a file that is read part by part
        self._lines: bool | None = None
        self._skipping = False
        self._parts: Iterator[Read] | None = None
        self._settled = (status.st_size, status.st_mtime_ns, time.monotonic())
        self.gone_s: float | None = None  # since when no name leads here

    def is_it(self, stored: Stored) -> bool:
        """Whether this is the file that the position was taken in."""
        if _digest(os.pread(self._file, stored.head_length, 0)) != stored.head:
            return False
        offset, size = stored.offset(), os.fstat(self._file).st_size
        if offset is None:
            return stored.position.rsplit("of", 1)[-1] == str(size)
        return size >= offset and stored.position == self._position(offset)

    def go_on(self, stored: Stored) -> None:
        """From where the position says."""
        self.partition, self._head_length, self._head = stored.partition, stored.head_length, stored.head
        self.offset, self._from = stored.offset() or 0, stored.position
        self._remember()

    def go_to_end(self) -> None:
        """Passes over everything but an unfinished last line."""
        size = os.fstat(self._file).st_size
        self.offset = size
        if self._is_lines():
            while self.offset > 0:
                begin = max(0, self.offset - _CHUNK)
                cut = os.pread(self._file, self.offset - begin, begin).rfind(b"\n") + 1
                self.offset = begin + cut
                if cut:
                    break
        self._remember()

    def _remember(self) -> None:
        self._mark = os.pread(self._file, _MARK, max(0, self.offset - _MARK))[: min(_MARK, self.offset)]

    def _position(self, offset: int) -> str:
        before = min(_MARK, offset)
        return f"{offset}-{_digest(os.pread(self._file, before, offset - before))}"

    def replaced(self) -> bool:
        """Whether other bytes stand where some were read: truncated, or the inode given to another file."""
        size = os.fstat(self._file).st_size
        if size < self.offset or size < self._head_length:
            return True
        if self._lines is False and self.offset and size != self.offset:
            return True
        before = len(self._mark)
        return (before > 0 and os.pread(self._file, before, self.offset - before) != self._mark) or _digest(
            os.pread(self._file, self._head_length, 0)
        ) != self._head

    def unread(self) -> int:
        return max(0, os.fstat(self._file).st_size - self.offset)

    def finished(self) -> bool:
        """Whether the file has no name any more and nothing came for a while."""
        return self.gone_s is not None and time.monotonic() - self.gone_s > 2 * _LINGER_S

    def read(self, settle_s: float) -> Read | None:
        """The next bytes and the position after them; None while there is nothing to be had. Raises OSError."""
        if self.unread() == 0:
            return None
        if self._is_lines():
            return self._read_lines()
        if self._parts is None:
            if not self._has_settled(settle_s):
                return None
            if self._is_lines(again=True):
                return self._read_lines()
            self._parts = parts(self.path, self.partition, self._from)
        found = next(self._parts, None)
        if found is not None and found[1]:
            return found
        self._parts = None
        self.offset = os.fstat(self._file).st_size
        self._remember()
        return None if found is None else (found[0], self._position(self.offset))

    def _has_settled(self, settle_s: float) -> bool:
        status = os.fstat(self._file)
        size, changed, since = self._settled
        if (status.st_size, status.st_mtime_ns) != (size, changed):
            self._settled = (status.st_size, status.st_mtime_ns, time.monotonic())
            self._lines = None
            return False
        whole = os.pread(self._file, 4, 0) == b"PAR1" == os.pread(self._file, 4, status.st_size - 4)
        return (whole and status.st_size > 8) or time.monotonic() - since >= settle_s

    def _is_lines(self, *, again: bool = False) -> bool:
        if self._lines is None or again:
            head = os.pread(self._file, HEAD_BYTES, 0)
            try:
                lines = not head.startswith(_WHOLE_MAGIC) and container_of(self.path, head) == "lines"
            except InputError:
                lines = False
            self._lines = lines
        return self._lines

    def _read_lines(self) -> Read | None:
        if self._skipping and not self._skip():
            return None
        data = os.pread(self._file, _CHUNK, self.offset)
        zeros = len(data) - len(data.lstrip(b"\0"))
        if zeros:  # a writer that kept its place in a file that was truncated leaves a hole
            self.offset += zeros
            data = data[zeros:]
        cut = data.rfind(b"\n") + 1
        if cut == 0 and len(data) + zeros == _CHUNK:
            return self._read_long_line()
        if cut == 0 and self._is_final():
            cut = len(data)
        if cut == 0:
            return None
        return self._delivered(data[:cut])

    def _delivered(self, data: bytes, problem: str | None = None, length: int | None = None) -> Read:
        start = self.offset
        self.offset += len(data) if length is None else length
        self._remember()
        body = Body(data=data, place=self.partition, start=start, problem=problem, container="lines")
        return body, self._position(self.offset)

    def _is_final(self) -> bool:
        """No name, and nothing new for a while: the last line will not get its newline any more."""
        return self.gone_s is not None and time.monotonic() - self.gone_s > _LINGER_S

    def _read_long_line(self) -> Read | None:
        data = os.pread(self._file, MAX_ROW_BYTES + 1, self.offset)
        cut = data.find(b"\n") + 1
        if cut:
            return self._delivered(data[:cut])
        if len(data) <= MAX_ROW_BYTES:
            return None
        self._skipping = True
        return self._delivered(data[:4096], f"the row is larger than {MAX_ROW_BYTES >> 20} MB", len(data))

    def _skip(self) -> bool:
        """Over the rest of a line that was too long; False while its end is not there yet."""
        while data := os.pread(self._file, _CHUNK, self.offset):
            cut = data.find(b"\n") + 1
            self.offset += cut or len(data)
            self._remember()
            if cut:
                self._skipping = False
                return True
        return False

    def close(self) -> None:
        os.close(self._file)


class Watched:
    """All files of one source."""

    def __init__(self, config: Files) -> None:
        self._config = config
        self._tails: dict[tuple[int, int], Tail] = {}
        self._stored: dict[int, list[Stored]] = {}
        self._first = True
        self.problem: str | None = None

    def resume(self, offsets: Mapping[str, str]) -> None:
        """What was stored, before the first look."""
        for partition, position in offsets.items():
            if (stored := stored_of(partition, position)) is not None:
                self._stored.setdefault(stored.inode, []).append(stored)

    def look(self) -> list[Tail]:
        """Every file there is, as tails to read from, by name. Cost: one stat and two small reads a file."""
        named: set[tuple[int, int]] = set()
        self.problem = None
        for path, ours in self._paths():
            try:
                tail = self._tail(path, ours=ours)
            except OSError as error:
                if not isinstance(error, FileNotFoundError):
                    self.problem = f"{path}: {error.strerror}"
                continue
            if tail is not None:
                named.add(tail.key)
        self._first = False
        for key, tail in list(self._tails.items()):
            if key in named:
                tail.gone_s = None
            elif tail.gone_s is None:
                tail.gone_s = time.monotonic()
            elif tail.finished() and not tail.unread():
                tail.close()
                del self._tails[key]
        return sorted(self._tails.values(), key=lambda tail: (tail.gone_s is None, str(tail.path)))

    def _paths(self) -> Iterator[tuple[Path, bool]]:
        """Files by the configured names; at first also those that were read before and have another name now."""
        seen: set[Path] = set()
        for given in self._config.paths:
            path = Path(given)
            # Path.glob takes no absolute patterns
            found = sorted(path.rglob("*")) if path.is_dir() else map(Path, sorted(glob.glob(given, recursive=True)))  # noqa: PTH207
            for entry in found:
                if entry not in seen and entry.is_file() and (not path.is_dir() or is_readable_name(entry)):
                    seen.add(entry)
                    yield entry, True
        if self._first and self._stored:
            for folder in {entry.parent for entry in seen} | {Path(given).parent for given in self._config.paths}:
                for entry in sorted(folder.iterdir()) if folder.is_dir() else ():
                    if entry not in seen and entry.is_file() and entry.stat().st_ino in self._stored:
                        yield entry, False

    def _tail(self, path: Path, *, ours: bool) -> Tail | None:
        """The tail of one file, new or known; None for an empty one, and for one not ``ours`` that was never read."""
        status = path.stat()
        key = (status.st_dev, status.st_ino)
        known = self._tails.get(key)
        if known is not None:
            if not known.replaced():
                known.path = path
                return known
            known.close()
            del self._tails[key]
        if status.st_size == 0:
            return None
        tail = Tail(path, os.open(path, os.O_RDONLY | os.O_CLOEXEC), status)
        stored = self._recognised(tail)
        if stored is not None:
            tail.go_on(stored)

        elif not ours:
            tail.close()
            return None
        elif self._first and not self._stored and self._config.begin == "end":
            tail.go_to_end()
        self._tails[key] = tail
        return tail

    def _recognised(self, tail: Tail) -> Stored | None:
        """The furthest stored position that was taken in this file; the device may have another number since."""
        found = [stored for stored in self._stored.get(tail.key[1], ()) if tail.is_it(stored)]
        return max(found, key=lambda stored: (stored.device == tail.key[0], stored.offset() or 0), default=None)

    def unread(self) -> int:
        """Bytes behind the tails."""
        return sum(tail.unread() for tail in list(self._tails.values()))

    def close(self) -> None:
        for tail in self._tails.values():
            tail.close()
        self._tails.clear()
