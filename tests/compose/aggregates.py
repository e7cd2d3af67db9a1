"""Every single-account aggregate a shallow detector might try, computed from the tables alone."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

Numbers = dict[str, np.ndarray]
_CATEGORIES = (
    "key_id", "org_id", "end_user_id", "client_address", "client_asn", "client_country", "client_network",
    "ja4", "header_signature",
    "user_agent", "operation", "request_model", "conversation_id", "system_prompt", "prompt", "max_tokens",
    "temperature", "top_p", "stream",
    "reasoning_effort", "finish_reason", "status_code", "response", "hour", "weekday", "minute", "tools",
    "opening", "ending",
)  # fmt: skip
_AMOUNTS = (
    "message_count", "image_count", "max_tokens", "temperature", "top_p", "input_tokens", "output_tokens",
    "reasoning_tokens", "latency_ms",
    "ttft_ms", "prompt_chars", "system_chars", "response_chars", "tool_count", "status_code", "hour",
    "question", "lower", "code", "digits",
    "lines", "ascii", "out_in",
)  # fmt: skip


def _entropy(counts: np.ndarray) -> float:
    share = counts / counts.sum()
    return float(-(share * np.log2(share)).sum())


def _derived(table: pa.Table) -> dict[str, list[object]]:
    columns: dict[str, list[object]] = {
        name: table[name].to_pylist() for name in table.schema.names if name != "started_at"
    }
    prompts = [text or "" for text in columns["prompt"]]
    at = table["started_at"]
    columns["hour"], columns["weekday"] = pc.hour(at).to_pylist(), pc.day_of_week(at).to_pylist()
    columns["minute"] = pc.minute(at).to_pylist()
    columns["tools"] = [tuple(tools) if tools else None for tools in columns["tool_names"]]
    columns["tool_count"] = [len(tools) if tools else 0 for tools in columns["tool_names"]]
    columns["opening"] = [text[:30] for text in prompts]
    columns["ending"] = [text[-30:] for text in prompts]
    columns["prompt_chars"] = [len(text) for text in prompts]
    columns["system_chars"] = [len(text or "") for text in columns["system_prompt"]]
    columns["response_chars"] = [None if text is None else len(text) for text in columns["response"]]
    columns["question"] = [text.rstrip().endswith("?") for text in prompts]
    columns["lower"] = [text[:1].islower() for text in prompts]
    columns["code"] = ["```" in text or "def " in text for text in prompts]
    columns["digits"] = [sum(map(str.isdigit, text[:300])) for text in prompts]
    columns["lines"] = [text.count("\n") for text in prompts]
    columns["ascii"] = [text[:300].isascii() for text in prompts]
    pairs = zip(columns["output_tokens"], columns["input_tokens"], strict=True)
    columns["out_in"] = [None if a is None else a / (b + 1) for a, b in pairs]
    return columns


def _of_values(values: Sequence[Hashable]) -> tuple[float, float, float, float]:
    known = [value for value in values if value is not None]
    if not known:
        return 0.0, 0.0, 0.0, 1.0
    counts = np.array(list(Counter(known).values()), float)
    return counts.size / len(known), float(counts.max() / len(known)), _entropy(counts), 1.0 - len(known) / len(values)


def _of_amounts(values: Sequence[object]) -> tuple[float, float, float]:
    known = np.array([float(value) for value in values if value is not None])  # type: ignore[arg-type]
    if not known.size:
        return -1.0, -1.0, -1.0
    return float(known.mean()), float(known.std() / (abs(known.mean()) + 1e-9)), float(np.median(known))


def _timing(seconds: np.ndarray) -> dict[str, float]:
    gaps = np.diff(seconds) if seconds.size > 1 else np.array([-1.0])
    days = np.bincount((seconds // 86_400).astype(int))
    return {
        "calls": float(seconds.size), "span": float(seconds[-1] - seconds[0]), "first": float(seconds[0]),
        "last": float(seconds[-1]),
        "active_days": float((days > 0).sum()), "per_active_day": float(days[days > 0].mean()),
        "busiest_day": float(days.max()),
        "gap_median": float(np.median(gaps)), "gap_min": float(gaps.min()),
        "gap_cv": float(gaps.std() / (gaps.mean() + 1e-9)),
        "night_share": float(((seconds // 3_600) % 24 < 6).mean()),
        "weekend_share": float(((seconds // 86_400).astype(int) % 7 >= 5).mean()),
        "gap_under_60": float((gaps < 60).mean()), "day_cv": float(days[days > 0].std() / days[days > 0].mean()),
    }  # fmt: skip


def of_exchanges(table: pa.Table) -> tuple[list[str], Numbers]:
    """Per account (in the order of the returned ids): name of aggregate to values."""
    columns = _derived(table)
    seconds = table["started_at"].cast(pa.int64()).to_numpy() / 1e6
    seconds = seconds - seconds.min()
    rows: dict[str, list[int]] = defaultdict(list)
    for row, account in enumerate(columns["account_id"]):
        rows[str(account)].append(row)
    found: dict[str, list[float]] = defaultdict(list)
    for mine in rows.values():
        for name, value in _timing(seconds[mine]).items():
            found[name].append(value)
        for name in _CATEGORIES:
            kinds = _of_values([columns[name][row] for row in mine])  # type: ignore[misc]
            for suffix, value in zip(("distinct_share", "top_share", "entropy", "null_share"), kinds, strict=True):
                found[f"{name}.{suffix}"].append(value)
        for name in _AMOUNTS:
            amounts = _of_amounts([columns[name][row] for row in mine])
            for suffix, value in zip(("mean", "cv", "median"), amounts, strict=True):
                found[f"{name}.{suffix}"].append(value)
        first = [row for row in mine if (columns["message_count"][row] or 1) <= 2]  # type: ignore[operator]
        found["single_turn_share"].append(len(first) / len(mine))
    return list(rows), {name: np.array(values) for name, values in found.items()}


def of_accounts(table: pa.Table, ids: list[str]) -> Numbers:
    """Aggregates of the accounts table: ages, shapes, and how many accounts share each value."""
    place = {account: row for row, account in enumerate(table["account_id"].to_pylist())}
    order = [place[account] for account in ids]
    found: Numbers = {}
    created = table["created_at"].cast(pa.int64()).to_numpy(zero_copy_only=False)[order] / 8.64e10
    found["created_at"] = created
    found["created_hour"] = (created * 24) % 24
    for name in (
        "email_domain",
        "email_shape",
        "payment_token",
        "billing_country",
        "phone_country",
        "declared_org",
        "plan",
        "verification",
        "signup_address",
    ):
        values = table[name].to_pylist()
        counts = Counter(value for value in values if value is not None)
        codes = {value: rank for rank, (value, _) in enumerate(counts.most_common())}
        found[f"{name}.accounts"] = np.array([counts.get(values[row], 0) for row in order], float)
        found[f"{name}.code"] = np.array([codes.get(values[row], -1) for row in order], float)
    shapes = [table["email_shape"].to_pylist()[row] or "" for row in order]
    found["email_digits"] = np.array([shape.count("9") for shape in shapes], float)
    found["email_length"] = np.array([len(shape) for shape in shapes], float)
    found["closed"] = np.array([table["closed_at"].to_pylist()[row] is not None for row in order], float)
    return found
