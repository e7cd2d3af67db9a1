"""Files as writers and rotators treat them: every line comes once, whatever becomes of the file."""

from __future__ import annotations

import asyncio
import gzip
import json
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import zstandard
from harnesses import Taken, take

from stillwatch.sources import Reading, decode
from stillwatch.sources.config import Files
from stillwatch.sources.configure import open_source
from stillwatch.sources.protocol import Source

Story = Callable[[Source], Awaitable[None]]


def run(story: Story, *paths: Path, offsets: dict[str, str] | None = None, **changes: Any) -> None:
    async def all_of_it() -> None:
        config = Files(name="f", paths=tuple(map(str, paths)), poll_s=0.01, settle_s=0.05, **changes)
        source = open_source(config)
        await source.start(offsets or {})
        try:
            await story(source)
        finally:
            await source.close()

    asyncio.run(all_of_it())


async def nothing_more(source: Source) -> bool:
    try:
        found = await asyncio.wait_for(source.__anext__(), 0.15)
    except TimeoutError:
        return True
    raise AssertionError(found)


def lines(first: int, count: int) -> str:
    return "".join(f"line {number}\n" for number in range(first, first + count))


def test_an_unfinished_line_waits_for_its_newline(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    path.write_text("one\ntw")

    async def story(source: Source) -> None:
        assert (await take(source, 1)).texts == ["one"]
        assert await nothing_more(source)
        with path.open("a") as file:
            file.write("o\nthree\n")
        assert (await take(source, 2)).texts == ["two", "three"]

    run(story, path)


def test_a_renamed_file_is_read_to_its_end_and_the_new_one_from_its_start(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    path.write_text(lines(0, 3))

    async def story(source: Source) -> None:
        taken = await take(source, 3)
        writer = path.open("a")
        path.rename(tmp_path / "a.log.1")
        path.write_text(lines(10, 2))
        await take(source, 5, taken=taken)
        writer.write(lines(3, 2))  # it has not been told yet that the file was rotated
        writer.close()
        await take(source, 7, taken=taken)
        assert sorted(taken.texts) == sorted((lines(0, 5) + lines(10, 2)).split("\n")[:-1])
        assert len({delivery.partition for delivery in taken.deliveries}) == 2

    run(story, path)


def test_what_was_rotated_while_nobody_looked_is_not_lost(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    path.write_text(lines(0, 3))
    kept: dict[str, str] = {}

    async def before(source: Source) -> None:
        kept.update((await take(source, 3)).positions)

    async def after(source: Source) -> None:
        taken = await take(source, 4)
        assert sorted(taken.texts) == ["line 10", "line 11", "line 3", "line 4"]
        assert await nothing_more(source)

    run(before, path)
    with path.open("a") as file:
        file.write(lines(3, 2))
    path.rename(tmp_path / "a.log.1")
    path.write_text(lines(10, 2))
    (tmp_path / "other.log").write_text("not ours\n")
    run(after, path, offsets=kept)


def test_a_file_truncated_in_place_is_read_from_its_start(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    path.write_text(lines(0, 50))

    async def story(source: Source) -> None:
        taken = await take(source, 50)
        path.write_text(lines(50, 2))  # shorter than it was
        await take(source, 52, taken=taken)
        await asyncio.sleep(0.05)
        path.write_text(lines(100, 60))  # and longer at once
        await take(source, 112, taken=taken)
        assert taken.texts == (lines(0, 52) + lines(100, 60)).split("\n")[:-1]

    run(story, path)


def test_another_file_under_the_same_inode_is_not_taken_for_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    path.write_text(lines(0, 50))
    kept: dict[str, str] = {}

    async def before(source: Source) -> None:
        kept.update((await take(source, 50)).positions)

    async def after(source: Source) -> None:
        assert len((await take(source, 80)).texts) == 80

    run(before, path)
    with path.open("r+") as file:  # the same inode, the same first line, other lines after it
        file.write(lines(0, 1) + lines(1000, 79))
    run(after, path, offsets=kept)


def test_new_files_in_a_directory_are_found_and_unfinished_names_passed_over(tmp_path: Path) -> None:
    async def story(source: Source) -> None:
        (tmp_path / "deep").mkdir()
        (tmp_path / "deep" / "a.jsonl").write_text("one\n")
        (tmp_path / ".hidden.jsonl").write_text("no\n")
        (tmp_path / "b.jsonl.part").write_text("no\n")
        taken = await take(source, 1)
        (tmp_path / "b.jsonl.part").rename(tmp_path / "b.jsonl")
        await take(source, 2, taken=taken)
        assert taken.texts == ["one", "no"]
        assert await nothing_more(source)

    run(story, tmp_path)


def record(number: int) -> dict[str, Any]:
    names = ("exchange_id", "platform", "account_id", "request_model")
    return {**dict.fromkeys(names, f"x{number}"), "started_at": "2026-09-01T00:00:00Z", "prompt": "p" * 200}


def decoded_ids(taken: Taken) -> list[str]:
    reading = Reading(salt=b"s")
    found = [decode(delivery.body, reading) for delivery in taken.deliveries]
    assert not any(item.letters for item in found)
    return [name for item in found for name in item.batch.column("exchange_id").to_pylist()]


def test_finished_files_of_every_kind_are_read_once(tmp_path: Path) -> None:
    text = "".join(json.dumps(record(number)) + "\n" for number in range(3)).encode()
    (tmp_path / "a.jsonl.gz").write_bytes(gzip.compress(text))
    (tmp_path / "b.jsonl.zst").write_bytes(zstandard.ZstdCompressor().compress(text))
    (tmp_path / "c.json").write_text(json.dumps([record(3)], indent=1))
    pq.write_table(pa.Table.from_pylist([record(4), record(5)]), tmp_path / "d.parquet")
    kept: dict[str, str] = {}

    async def story(source: Source) -> None:
        taken = Taken()
        while len({item.partition for item in taken.deliveries}) < 4:
            taken.deliveries.extend(await asyncio.wait_for(source.__anext__(), 10))
        assert sorted(decoded_ids(taken)) == sorted([f"x{n}" for n in range(3)] * 2 + ["x3", "x4", "x5"])
        assert await nothing_more(source)
        assert source.lag() == 0
        kept.update(taken.positions)

    async def again(source: Source) -> None:
        assert await nothing_more(source)

    run(story, tmp_path)
    run(again, tmp_path, offsets=kept)


def test_a_large_compressed_file_goes_on_in_its_middle(tmp_path: Path) -> None:
    text = "".join(json.dumps(record(number)) + "\n" for number in range(40_000))
    (tmp_path / "a.jsonl.gz").write_bytes(gzip.compress(text.encode(), 1))
    firsts: list[Any] = []

    async def story(source: Source) -> None:
        taken = await take(source, 1)
        firsts.extend(taken.deliveries[:1])

    async def rest(source: Source) -> None:
        first = firsts[0].body.data.decode()
        taken = await take(source, 40_000 - first.count("\n"))
        assert first + "".join(delivery.body.data.decode() for delivery in taken.deliveries) == text

    run(story, tmp_path)
    run(rest, tmp_path, offsets={firsts[0].partition: firsts[0].position})


def test_a_file_that_cannot_be_read_is_one_letter(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl.gz").write_bytes(gzip.compress(os.urandom(4000))[:-30])

    async def story(source: Source) -> None:
        (delivery,) = await source.__anext__()
        found = decode(delivery.body, Reading(salt=b"s"))
        assert found.rejected == 1
        assert found.refused
        assert await nothing_more(source)

    run(story, tmp_path)


def test_a_reader_may_begin_at_the_end(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    path.write_text(lines(0, 5) + "half")

    async def story(source: Source) -> None:
        assert await nothing_more(source)
        with path.open("a") as file:
            file.write(" done\n")
        assert (await take(source, 1)).texts == ["half done"]

    run(story, path, begin="end")
