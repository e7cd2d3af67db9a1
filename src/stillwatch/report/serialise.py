"""A scan's result as files: ``campaigns.json``, ``evidence.jsonl``, ``accounts.parquet`` and ``report.html``.

Equal results give equal bytes. A directory is only ever changed by renames of finished files, ``campaigns.json`` last,
so a crash leaves either the old scan or the new one readable, or a pair whose digests disagree and which
``reading.read_scan`` refuses. It knows nothing of detection.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from stillwatch.errors import InputError, StillwatchError
from stillwatch.model import Campaign, Member, ScanResult
from stillwatch.report import records
from stillwatch.report.canonical import canonical
from stillwatch.report.html import render_html
from stillwatch.tables import ACCOUNT_SCORES

CAMPAIGNS_FILE, EVIDENCE_FILE = "campaigns.json", "evidence.jsonl"
ACCOUNTS_FILE, REPORT_FILE = "accounts.parquet", "report.html"
WRITTEN_IN_ORDER = (ACCOUNTS_FILE, REPORT_FILE, EVIDENCE_FILE, CAMPAIGNS_FILE)


def campaigns_json(result: ScanResult) -> bytes:
    """``campaigns.json`` as SCHEMA.md describes it: UTF-8, indented, sorted, byte-identical for equal results."""
    return _campaigns_json(canonical(result))


def evidence_lines(result: ScanResult) -> bytes:
    """``evidence.jsonl``: every reason, link, member and look-alike, one record a line (``records``)."""
    told = canonical(result)
    return _evidence_lines(told, _campaigns_json(told))


def scores_table(accounts: pa.Table) -> pa.Table:
    """The per-account table in the contract's columns and types, sorted by platform and account id.

    Raises ``ValueError`` naming the columns it lacks. Further columns are left out.
    """
    missing = [name for name in ACCOUNT_SCORES.names if name not in accounts.column_names]
    if missing:
        raise ValueError(f"the accounts table lacks {', '.join(missing)}")
    table = accounts.select(ACCOUNT_SCORES.names).cast(ACCOUNT_SCORES)
    return table.sort_by([("platform", "ascending"), ("account_id", "ascending")]).combine_chunks()


def write_scan(result: ScanResult, accounts_table: pa.Table, out_dir: str | Path) -> None:
    """Writes the four files into ``out_dir``, made if absent; other files there are left alone.

    Everything is rendered and written beside its place first and then renamed. Raises ``InputError`` where ``out_dir``
    is a file, ``StillwatchError`` where the disk refuses, ``ValueError`` where the result contradicts itself
    (``canonical``); in each case the directory is as it was before.
    """
    out = Path(out_dir)
    if out.exists() and not out.is_dir():
        raise InputError("is a file, not a directory", source=str(out), hint="give --out a directory, new or existing")
    told = canonical(result)
    scores = scores_table(accounts_table)
    campaigns = _campaigns_json(told)
    contents = {
        CAMPAIGNS_FILE: campaigns,
        EVIDENCE_FILE: _evidence_lines(told, campaigns),
        REPORT_FILE: render_html(told, scores).encode(),
    }
    try:
        _replace(out, contents, scores)
    except OSError as error:
        reason = error.strerror or str(error)
        raise StillwatchError(f"{out}: cannot be written: {reason} (free the space or choose another --out)") from error


def _replace(out: Path, contents: dict[str, bytes], scores: pa.Table) -> None:
    """Fills a hidden directory on the same file system, then renames it, or its files, into place."""
    is_new = not out.exists()
    out.parent.mkdir(parents=True, exist_ok=True)
    mark = f".stillwatch-{uuid.uuid4().hex[:12]}.partial"
    partial = out.parent / mark if is_new else out / mark
    partial.mkdir()
    try:
        for name, content in contents.items():
            (partial / name).write_bytes(content)
        pq.write_table(scores, partial / ACCOUNTS_FILE, compression="zstd")
        for name in WRITTEN_IN_ORDER:
            _flush(partial / name)
        if is_new and not out.exists():
            partial.rename(out)
            return
        for name in WRITTEN_IN_ORDER:
            (partial / name).replace(out / name)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _flush(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())


def _campaigns_json(told: ScanResult) -> bytes:
    summary = told.input
    file = records.CampaignsFile(
        schema=records.SCHEMA,
        input=records.InputPart(
            exchanges=summary.exchanges,
            accounts=summary.accounts,
            quarantined=summary.quarantined,
            first=summary.first,
            last=summary.last,
            missing_columns=summary.missing_columns,
        ),
        campaigns=tuple(_campaign_part(campaign) for campaign in told.campaigns),
        not_applicable=told.not_applicable,
    )
    return msgspec.json.format(msgspec.json.encode(file), indent=1) + b"\n"


def _campaign_part(campaign: Campaign) -> records.CampaignPart:
    evidence = (
        records.EvidencePart(name=item.name, family=item.family, bits=item.bits, says=item.says)
        for item in campaign.evidence
    )
    pivots = (records.PivotPart(at=p.at, to_model=p.to_model, share=p.share) for p in campaign.model_pivots)
    return records.CampaignPart(
        campaign_id=campaign.campaign_id,
        verdict=campaign.verdict,
        confidence=campaign.confidence,
        accounts=tuple(_account_part(member) for member in campaign.roster if member.accused),
        possible_accounts=tuple(_account_part(member) for member in campaign.roster if not member.accused),
        exchanges=campaign.exchanges,
        extraction_exchanges=campaign.extraction_exchanges,
        first_seen=campaign.first_seen,
        last_seen=campaign.last_seen,
        platforms=campaign.platforms,
        models=campaign.models,
        capabilities=campaign.capabilities,
        model_pivots=tuple(pivots),
        evidence=tuple(evidence),
    )


def _account_part(member: Member) -> records.AccountPart:
    return records.AccountPart(platform=member.platform, account_id=member.account_id, probability=member.probability)


def _evidence_lines(told: ScanResult, campaigns: bytes) -> bytes:
    lines: list[records.Line] = [
        records.ScanLine(
            schema=records.SCHEMA,
            campaigns_digest=hashlib.sha256(campaigns).hexdigest(),
            version=told.version,
            configuration_digest=told.configuration_digest,
            duplicate_exchanges=told.input.duplicate_exchanges,
            extra_columns=told.input.extra_columns,
            model_first_seen=told.model_first_seen,
        )
    ]
    for campaign in told.campaigns:
        lines.extend(_campaign_lines(campaign))
    lines.extend(records.LookAlikeLine(**msgspec.structs.asdict(group)) for group in told.lookalikes)
    lines.append(records.EndLine(lines=len(lines)))
    return msgspec.json.Encoder().encode_lines(lines)


def _campaign_lines(campaign: Campaign) -> Iterator[records.Line]:
    cid, roster = campaign.campaign_id, campaign.roster
    yield records.CampaignLine(
        campaign_id=cid, operator_bits=campaign.operator_bits, harvest_bits=campaign.harvest_bits
    )
    for item in campaign.evidence:
        yield records.EvidenceLine(campaign_id=cid, account=None, **msgspec.structs.asdict(item))
    for member in roster:
        yield from _member_lines(cid, member)
    for link in campaign.links:
        yield records.LinkLine(
            campaign_id=cid,
            left=_account(roster[link.left]),
            right=_account(roster[link.right]),
            bits=link.bits,
            reasons=link.reasons,
        )
    for point in campaign.timeline:
        yield records.TimelineLine(campaign_id=cid, **msgspec.structs.asdict(point))
    for item in campaign.successions:
        yield records.SuccessionLine(
            campaign_id=cid,
            closed=_account(roster[item.closed]),
            successor=_account(roster[item.successor]),
            closed_at=item.closed_at,
            resumed_at=item.resumed_at,
            says=item.says,
        )


def _member_lines(campaign_id: str, member: Member) -> Iterator[records.Line]:
    fields = msgspec.structs.asdict(member)
    evidence = fields.pop("evidence")
    yield records.MemberLine(campaign_id=campaign_id, **fields)
    for item in evidence:
        yield records.EvidenceLine(campaign_id=campaign_id, account=_account(member), **msgspec.structs.asdict(item))


def _account(member: Member) -> records.Account:
    return (member.platform, member.account_id)
