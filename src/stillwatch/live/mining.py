"""Mining: the batch scan over the segments of a window, in a process of its own.

The process reads files and writes files; it never touches the store. Killed or crashed, it has changed nothing, and
the next mining starts over. What it finds is what ``stillwatch scan`` finds on the same exchanges.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from stillwatch import __version__, pipeline
from stillwatch.campaigns.signature import Census, Signature
from stillwatch.campaigns.signature_null import signatures
from stillwatch.campaigns.weighing import load_weighing
from stillwatch.campaigns.weights import load_weights
from stillwatch.config import Detection
from stillwatch.detectors.suspect import Scene
from stillwatch.errors import EngineError
from stillwatch.live.segments import read_files
from stillwatch.model import Campaign, InputSummary, ScanResult
from stillwatch.tables import ACCOUNTS

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
RESULT, SCORES, SIGNATURES = "result.json", "scores.parquet", "signatures.msgpack"
# of every column of the data contract, what is left of it in a fingerprint
KEPT_AS = {
    "key_id": "credential_key",
    "org_id": "org_key",
    "end_user_id": "end_user_key",
    "client_address": "address_key",
    "client_asn": "asn",
    "client_country": "country",
    "client_network": "network",
    "ja4": "stack_key",
    "header_signature": "stack_key",
    "user_agent": "agent_key",
    "conversation_id": "conversation_key",
    "system_prompt": "system_key",
    "prompt": "prompt_chars",
    "tool_names": "tool_count",
    "reasoning_effort": "effort",
    "response": "response_chars",
    "reasoning": "reasoning_chars",
    "finish_reason": "finish",
} | {
    name: name
    for name in [
        "operation",
        "message_count",
        "image_count",
        "max_tokens",
        "temperature",
        "top_p",
        "stream",
        "input_tokens",
        "output_tokens",
        "reasoning_tokens",
        "latency_ms",
        "status_code",
    ]
}


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """What the process is asked. ``since``: exchanges before it are left out."""

    segments: tuple[str, ...]
    accounts: str | None
    since: datetime
    until: datetime
    detection: Detection
    quarantined: int
    duplicates: int
    digest: str
    out: str


@dataclass(frozen=True)
class Mined:
    """What was found. ``scores``: ``tables.ACCOUNT_SCORES``; ``signatures``: by the id the scan gave the campaign."""

    result: ScanResult
    scores: pa.Table
    signatures: dict[str, Signature]


def summary(prints: pa.Table, accounts: pa.Table | None, quarantined: int, duplicates: int) -> InputSummary:
    """What a scan says of its input, read off its fingerprints."""
    missing = [name for name, kept in KEPT_AS.items() if prints.column(kept).null_count == prints.num_rows]
    names = prints.select(["platform", "account_id"]).unify_dictionaries().group_by(["platform", "account_id"])
    span = pc.min_max(prints.column("at")).as_py()
    return InputSummary(
        exchanges=prints.num_rows,
        accounts=names.aggregate([]).num_rows,
        quarantined=quarantined,
        first=span["min"] or EPOCH,
        last=span["max"] or EPOCH,
        missing_columns=(*missing, *([] if accounts is not None else ["accounts"])),
        duplicate_exchanges=duplicates,
    )


def mine(
    prints: pa.Table, accounts: pa.Table | None, detection: Detection, digest: str, quarantined: int, duplicates: int
) -> Mined:
    """Scan a window of fingerprints, and sign every campaign in it. Pure."""
    said = summary(prints, accounts, quarantined, duplicates)
    weights = load_weights()
    scene = pipeline.build(prints, accounts, weights)
    result, scores = pipeline.find(scene, said, weights, detection)
    result = msgspec.structs.replace(result, configuration_digest=digest, version=__version__)
    return Mined(result, scores, signed(scene, result.campaigns))


def signed(scene: Scene, campaigns: Sequence[Campaign]) -> dict[str, Signature]:
    """A signature of every campaign, checked against everybody else in the window."""
    names = scene.roster.names.to_pylist()
    place = {(name["platform"], name["account_id"]): i for i, name in enumerate(names)}
    members = {c.campaign_id: np.zeros(len(place), dtype=np.bool_) for c in campaigns}
    possible = {c.campaign_id: np.zeros(len(place), dtype=np.bool_) for c in campaigns}
    for campaign in campaigns:
        for member in campaign.roster:
            mask = members if member.accused else possible
            mask[campaign.campaign_id][place[member.platform, member.account_id]] = True
    return signatures(Census.of(scene.facts, scene.roster), members, possible, load_weighing())


def mine_apart(segments: Sequence[Path], accounts: pa.Table | None, order: Order, *, timeout_s: float = 3600) -> Mined:
    """``mine`` in a process of its own, with lower priority. Raises EngineError when it fails or is killed."""
    with tempfile.TemporaryDirectory(prefix="mining-", dir=order.out) as folder:
        here = Path(folder)
        side = here / "accounts.parquet" if accounts is not None else None
        if accounts is not None and side is not None:
            pq.write_table(accounts, side)
        order = msgspec.structs.replace(
            order, segments=tuple(map(str, segments)), accounts=str(side) if side else None, out=folder
        )
        (here / "order.json").write_bytes(msgspec.json.encode(order))
        command = ["nice", "-n", "5", sys.executable, "-m", "stillwatch.live.mining", str(here / "order.json")]
        try:
            ran = subprocess.run(command, capture_output=True, timeout=timeout_s, check=False)  # noqa: S603
        except (subprocess.TimeoutExpired, OSError) as error:
            raise EngineError(f"mining did not end: {error}") from error
        if ran.returncode:
            last = ran.stderr.decode(errors="replace").strip().splitlines()[-1:] or ["no message"]
            raise EngineError(f"mining ended with {ran.returncode}: {last[0]}")
        return read_mined(here)


def read_mined(folder: Path) -> Mined:
    """What ``main`` wrote."""
    return Mined(
        msgspec.json.decode((folder / RESULT).read_bytes(), type=ScanResult),
        pq.read_table(folder / SCORES),
        msgspec.msgpack.decode((folder / SIGNATURES).read_bytes(), type=dict[str, Signature]),
    )


def main(arguments: Sequence[str]) -> int:
    """``python -m stillwatch.live.mining ORDER.json``."""
    order = msgspec.json.decode(Path(arguments[0]).read_bytes(), type=Order)
    prints = read_files([Path(name) for name in order.segments])
    inside = pc.and_(
        pc.greater_equal(prints.column("at"), order.since), pc.less_equal(prints.column("at"), order.until)
    )
    side = pq.read_table(order.accounts, schema=ACCOUNTS) if order.accounts else None
    found = mine(
        prints.filter(inside).unify_dictionaries(),
        side,
        order.detection,
        order.digest,
        order.quarantined,
        order.duplicates,
    )
    out = Path(order.out)
    (out / RESULT).write_bytes(msgspec.json.encode(found.result))
    pq.write_table(found.scores, out / SCORES)
    (out / SIGNATURES).write_bytes(msgspec.msgpack.encode(found.signatures))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
