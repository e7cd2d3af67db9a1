"""Large files of made-up traffic for the speed bench: canonical columns, our own words, heavy-tailed prompts.

Knows nothing of campaigns. Texts are slices of one long word stream, so that two million of them are made in a minute;
no two long prompts are alike, while parameters and system prompts repeat. Accounts keep their addresses, client,
platform and conversations, as they do in logs.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track

from stillwatch.tables import EXCHANGES

Format = Literal["parquet", "jsonl"]
_CHUNK = 50_000
_MEAN_BYTES = 400
_SEED = 7
_START = int(datetime(2026, 3, 1, tzinfo=UTC).timestamp() * 1e6)
_DAYS_US = 14 * 86_400 * 1_000_000


def word_stream(rng: np.random.Generator, size: int) -> bytes:
    """About ``size`` bytes of sentences over a Zipf vocabulary, with numbers, code marks and a few other scripts."""
    letters = np.frombuffer(b"etaoinshrdlcumwfgypbvkjxqz", np.uint8)
    shares = np.linspace(2.0, 0.1, 26) / np.linspace(2.0, 0.1, 26).sum()
    vocabulary = [bytes(rng.choice(letters, int(n), p=shares)) for n in 1 + rng.gamma(3.0, 1.4, 20_000)]
    foreign = ["данные", "réponse", "größe", "模型", "质问", "質問です", "답변", "ответ"]
    vocabulary[500:8500:100] = [foreign[i % len(foreign)].encode() for i in range(80)]
    ends = [b" "] * 85 + [b", "] * 5 + [b". "] * 5 + [b".\n", b"? ", b" 42 ", b"; ", b"()\n"]
    picks = np.minimum(rng.zipf(1.2, size // 5), 20_000) - 1
    breaks = rng.integers(0, len(ends), len(picks))
    return b"".join(vocabulary[word] + ends[end] for word, end in zip(picks.tolist(), breaks.tolist(), strict=True))


def _texts(rng: np.random.Generator, stream: bytes, lengths: NDArray[np.int64]) -> list[str]:
    starts = rng.integers(0, len(stream) - int(lengths.max()) - 1, len(lengths)).tolist()
    return [stream[a : a + n].decode(errors="ignore") for a, n in zip(starts, lengths.tolist(), strict=True)]


def _picked(rng: np.random.Generator, values: list[Any], count: int) -> pa.Array:
    return pa.DictionaryArray.from_arrays(rng.integers(0, len(values), count).astype(np.int32), pa.array(values)).cast(
        pa.array(values).type
    )


def _habits(values: list[Any], account: NDArray[np.int64], salt: int) -> pa.Array:
    """Of each account one value, and the same always: who has which looks random."""
    mixed = (account * 2_654_435_761 + salt * 40_503) % 1_000_003
    return pa.DictionaryArray.from_arrays((mixed % len(values)).astype(np.int32), pa.array(values)).cast(
        pa.array(values).type
    )


def _identities(rng: np.random.Generator, account: NDArray[np.int64], first: int) -> dict[str, pa.Array]:
    count = len(account)
    talk = (first + rng.integers(0, 30, count)).tolist()
    address = account * 3 + rng.integers(0, 3, count)
    return {
        "account_id": pa.array([f"acct-{a:05d}" for a in account.tolist()]),
        "key_id": pa.array([f"key-{a * 7919 % 99991:05d}" for a in account.tolist()]),
        "client_address": pa.array([f"198.{a >> 12 & 255}.{a >> 4 & 255}.{a % 251}" for a in address.tolist()]),
        "client_asn": pa.array(64_500 + account % 40),
        "conversation_id": pa.array([f"conv-{a:05d}-{n:08x}" for a, n in zip(account.tolist(), talk, strict=True)]),
        "platform": _habits(["api", "api", "bedrock", "vertex"], account, 1),
        "client_country": _habits(["US", "DE", "IN", "BR", "JP", "FR"], account, 2),
        "client_network": _habits(["residential", "business", "hosting", "mobile"], account, 3),
        "ja4": _habits([f"t13d{i:04d}h2_8daaf6152771_b0da82dd1658" for i in range(60)], account, 4),
        "user_agent": _habits([f"sdk-python/1.{i}.0 (linux; x86_64) http/0.27" for i in range(80)], account, 5),
    }


def _settings(rng: np.random.Generator, count: int) -> dict[str, pa.Array]:
    tools = [None, None, None, ["search", "read_file"], ["read_file", "write_file", "run", "search", "plan"]]
    systems = [None, *(f"You are assistant number {i}. Answer with care, and cite what you used." for i in range(300))]
    return {
        "operation": _picked(rng, ["chat", "messages"], count),
        "request_model": _picked(rng, ["large-4", "large-5", "small-3"], count),
        "message_count": pa.array(rng.integers(1, 9, count), pa.int32()),
        "system_prompt": _picked(rng, systems, count),
        "tool_names": pa.array([tools[i] for i in rng.integers(0, len(tools), count).tolist()], pa.list_(pa.string())),
        "max_tokens": _picked(rng, [None, 512, 1024, 4096], count),
        "temperature": _picked(rng, [None, 0.0, 0.7, 1.0], count),
        "stream": _picked(rng, [True, False], count),
        "finish_reason": _picked(rng, ["stop", "length", "tool_use"], count),
        "input_tokens": pa.array(rng.integers(10, 4_000, count)),
        "output_tokens": pa.array(rng.integers(1, 2_000, count)),
        "latency_ms": pa.array(rng.integers(200, 30_000, count)),
        "status_code": pa.array(np.where(rng.random(count) < 0.98, 200, 429), pa.int32()),
    }


def exchanges(first: int, count: int, stream: bytes) -> pa.Table:
    """Rows ``first`` to ``first + count`` of the endless file; columns we do not make are absent."""
    rng = np.random.default_rng([_SEED, first])
    sigma = 1.1
    lengths = rng.lognormal(np.log(_MEAN_BYTES) - sigma**2 / 2, sigma, count).astype(np.int64).clip(8, 40_000)
    account = (rng.pareto(1.1, count) * 60).astype(np.int64) % 9_000
    columns = {
        "exchange_id": pa.array([f"ex-{i:09d}" for i in range(first, first + count)]),
        "started_at": pa.array(_START + rng.integers(0, _DAYS_US, count), pa.timestamp("us", tz="UTC")),
        "prompt": pa.array(_texts(rng, stream, lengths)),
        **_identities(rng, account, first),
        **_settings(rng, count),
    }
    names = [field.name for field in EXCHANGES if field.name in columns]
    return pa.table({name: columns[name].cast(EXCHANGES.field(name).type) for name in names})


def _write_jsonl(tables: list[pa.Table], target: Path) -> None:
    import duckdb  # noqa: PLC0415 - only for this format

    for number, table in enumerate(tables):
        part = target.with_suffix(f".{number}")
        duckdb.from_arrow(table).to_view("lines")
        duckdb.execute(f"copy lines to '{part}' (format json)")
        with target.open("ab") as out:
            out.write(part.read_bytes())
        part.unlink()


def composed(folder: Path, rows: int, kind: Format) -> Path:
    """The bench file of so many rows, made once and kept in ``folder``."""
    target = folder / f"traffic-{rows}.{kind}"
    if target.exists():
        return target
    folder.mkdir(parents=True, exist_ok=True)
    partial = target.with_suffix(".part")
    partial.unlink(missing_ok=True)
    stream = word_stream(np.random.default_rng(_SEED), min(24_000_000, max(300_000, rows * 100)))
    writer: Any = None
    for first in track(range(0, rows, _CHUNK), f"composing {target.name}", console=Console(stderr=True)):
        table = exchanges(first, min(_CHUNK, rows - first), stream)
        if kind == "jsonl":
            _write_jsonl([table], partial)
            continue
        writer = writer or pq.ParquetWriter(partial, table.schema, compression="zstd")
        writer.write_table(table)
    if writer:
        writer.close()
    partial.replace(target)  # nothing half-written is ever taken for the file
    return target
