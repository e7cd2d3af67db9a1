"""Reads a report directory back into the result it was written from.

Every way it can be unusable (missing, cut short, of another scan, of another schema) is one ``InputError`` that says
which file, which line, and what to do.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from stillwatch.errors import InputError
from stillwatch.model import (
    Campaign,
    Evidence,
    InputSummary,
    Link,
    LookAlike,
    Member,
    ModelPivot,
    ScanResult,
    Succession,
    TimelinePoint,
)
from stillwatch.report import records
from stillwatch.report.serialise import ACCOUNTS_FILE, CAMPAIGNS_FILE, EVIDENCE_FILE, scores_table

_AGAIN = "run `stillwatch scan … --out` again"
_line_decoder = msgspec.json.Decoder(records.Line)


def read_scan(report_dir: str | Path) -> ScanResult:
    """The result behind a report directory: equal to ``canonical`` of what was written.

    Raises ``InputError`` where the directory or one of its files is missing, corrupt, of another scan or schema.
    """
    folder = Path(report_dir)
    if not folder.is_dir():
        problem = "is a file, not a report directory" if folder.exists() else "does not exist"
        raise InputError(problem, source=str(folder), hint="give --report the directory that scan wrote with --out")
    raw = _bytes_of(folder / CAMPAIGNS_FILE)
    file = _campaigns_file(raw, folder / CAMPAIGNS_FILE)
    lines = _lines(folder / EVIDENCE_FILE)
    head = lines[0] if lines else None
    source = str(folder / EVIDENCE_FILE)
    if not isinstance(head, records.ScanLine):
        raise InputError("does not begin with a scan record", source=source, line=1, hint=_AGAIN)
    _check_schema(head.schema, source)
    if head.campaigns_digest != hashlib.sha256(raw).hexdigest():
        raise InputError(f"belongs to another scan than {CAMPAIGNS_FILE} beside it", source=source, hint=_AGAIN)
    if not isinstance(lines[-1], records.EndLine) or lines[-1].lines != len(lines) - 1:
        raise InputError("is cut short: its end record is missing", source=source, line=len(lines), hint=_AGAIN)
    try:
        return _result(file, head, lines)
    except (KeyError, ValueError) as error:
        raise InputError(f"contradicts {CAMPAIGNS_FILE}: {error}", source=source, hint=_AGAIN) from error


def read_scores(report_dir: str | Path) -> pa.Table:
    """A report's per-account table (``tables.ACCOUNT_SCORES``); ``InputError`` where it cannot be read."""
    path = Path(report_dir) / ACCOUNTS_FILE
    if not path.is_file():
        raise InputError("is missing", source=str(path), hint=_AGAIN)
    try:
        return scores_table(pq.read_table(path))
    except (pa.ArrowException, OSError, ValueError) as error:
        raise InputError(f"cannot be read: {str(error).splitlines()[0]}", source=str(path), hint=_AGAIN) from error


def _bytes_of(path: Path) -> bytes:
    if not path.is_file():
        raise InputError("is missing", source=str(path), hint=_AGAIN)
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", source=str(path), hint="check its permissions") from error


def _check_schema(schema: object, source: str) -> None:
    if schema != records.SCHEMA:
        raise InputError(
            f"has schema {schema!r}, this version reads {records.SCHEMA!r}",
            source=source,
            hint="scan again, or use the version that wrote it",
        )


class _SchemaOnly(msgspec.Struct):
    schema: str


def _campaigns_file(raw: bytes, path: Path) -> records.CampaignsFile:
    try:
        _check_schema(msgspec.json.decode(raw, type=_SchemaOnly).schema, str(path))
        return msgspec.json.decode(raw, type=records.CampaignsFile)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InputError(f"is not a scan's result: {error}", source=str(path), hint=_AGAIN) from error


def _lines(path: Path) -> list[records.Line]:
    lines: list[records.Line] = []
    for number, raw in enumerate(_bytes_of(path).splitlines(), start=1):
        try:
            lines.append(_line_decoder.decode(raw))
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise InputError(f"is corrupt: {error}", source=str(path), line=number, hint=_AGAIN) from error
    return lines


def _fields(record: msgspec.Struct, *without: str) -> dict[str, Any]:
    return {name: value for name, value in msgspec.structs.asdict(record).items() if name not in without}


def _result(file: records.CampaignsFile, head: records.ScanLine, lines: list[records.Line]) -> ScanResult:
    by_campaign: dict[str, list[records.Line]] = defaultdict(list)
    lookalikes: list[LookAlike] = []
    for line in lines:
        if isinstance(line, records.LookAlikeLine):
            lookalikes.append(LookAlike(**_fields(line)))
        elif not isinstance(line, records.ScanLine | records.EndLine):
            by_campaign[line.campaign_id].append(line)
    return ScanResult(
        input=InputSummary(
            **_fields(file.input), duplicate_exchanges=head.duplicate_exchanges, extra_columns=head.extra_columns
        ),
        campaigns=tuple(_campaign(part, by_campaign[part.campaign_id]) for part in file.campaigns),
        lookalikes=tuple(lookalikes),
        not_applicable=file.not_applicable,
        model_first_seen=head.model_first_seen,
        configuration_digest=head.configuration_digest,
        version=head.version,
    )


def _campaign(part: records.CampaignPart, lines: list[records.Line]) -> Campaign:
    heads = [line for line in lines if isinstance(line, records.CampaignLine)]
    if len(heads) != 1:
        raise ValueError(f"{len(heads)} campaign records for {part.campaign_id!r}")
    roster, own = _roster(lines)
    place = {(member.platform, member.account_id): position for position, member in enumerate(roster)}
    pivots = tuple(ModelPivot(**_fields(pivot)) for pivot in part.model_pivots)
    return Campaign(
        **_fields(part, "accounts", "possible_accounts", "model_pivots", "evidence"),
        roster=roster,
        model_pivots=pivots,
        evidence=own,
        operator_bits=heads[0].operator_bits,
        harvest_bits=heads[0].harvest_bits,
        links=tuple(
            Link(left=place[line.left], right=place[line.right], bits=line.bits, reasons=line.reasons)
            for line in lines
            if isinstance(line, records.LinkLine)
        ),
        timeline=tuple(
            TimelinePoint(**_fields(line, "campaign_id")) for line in lines if isinstance(line, records.TimelineLine)
        ),
        successions=tuple(
            Succession(
                closed=place[line.closed],
                successor=place[line.successor],
                **_fields(line, "campaign_id", "closed", "successor"),
            )
            for line in lines
            if isinstance(line, records.SuccessionLine)
        ),
    )


def _roster(lines: list[records.Line]) -> tuple[tuple[Member, ...], tuple[Evidence, ...]]:
    """The members with their own evidence, and the evidence that is the campaign's."""
    evidence: dict[records.Account | None, list[Evidence]] = defaultdict(list)
    for line in lines:
        if isinstance(line, records.EvidenceLine):
            evidence[line.account].append(Evidence(**_fields(line, "campaign_id", "account")))
    roster = tuple(
        Member(**_fields(line, "campaign_id"), evidence=tuple(evidence[line.platform, line.account_id]))
        for line in lines
        if isinstance(line, records.MemberLine)
    )
    return roster, tuple(evidence[None])
