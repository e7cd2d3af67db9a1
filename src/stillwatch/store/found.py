"""Campaigns through time, and the accounts recognised between two minings, on an open transaction."""

# ruff: noqa: D103 - the methods of the same name in protocol.py say what these do

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec
from sqlalchemy import Connection, delete, func, select, update

from stillwatch.errors import InputError
from stillwatch.model import Campaign
from stillwatch.store.protocol import CampaignEvent, CampaignState, KnownCampaign, Recognised
from stillwatch.store.rows import Row, chunks, columns_of, insert_new, put, row_of, values_of
from stillwatch.store.schema import CAMPAIGNS, EVENTS, MININGS, RECOGNISED


def put_mining(
    connection: Connection,
    at: datetime,
    campaigns: Sequence[KnownCampaign],
    events: Sequence[CampaignEvent],
    summary: str,
) -> None:
    put(connection, MININGS, [{"at": at, "summary": summary}])
    latest = {known.campaign.campaign_id: known for known in campaigns}
    dismissed = _dismissed(connection)
    put(connection, CAMPAIGNS, [_campaign_row(latest[name], dismissed) for name in sorted(latest)])
    connection.execute(delete(EVENTS).where(EVENTS.c.mining_at == at))
    insert_new(connection, EVENTS, [{**row_of(event), "mining_at": at} for event in events])


def _dismissed(connection: Connection) -> set[str]:
    """Locked until the transaction ends, so that nobody dismisses one between this look and the writing."""
    query = select(CAMPAIGNS.c.campaign_id, CAMPAIGNS.c.state).order_by(CAMPAIGNS.c.campaign_id).with_for_update()
    return {row.campaign_id for row in connection.execute(query) if row.state == "dismissed"}


def _campaign_row(known: KnownCampaign, dismissed: set[str]) -> Row:
    name = known.campaign.campaign_id
    return {
        "campaign_id": name,
        "body": msgspec.json.encode(known.campaign),
        "signature": known.signature,
        "found_at": known.found_at,
        "mined_at": known.mined_at,
        "state": "dismissed" if name in dismissed else known.state,
    }


def last_mining(connection: Connection) -> tuple[datetime, str] | None:
    row = connection.execute(select(MININGS).order_by(MININGS.c.at.desc()).limit(1)).first()
    return None if row is None else (row.at, row.summary)


def campaigns(connection: Connection) -> list[KnownCampaign]:
    rows = connection.execute(select(CAMPAIGNS).order_by(CAMPAIGNS.c.found_at, CAMPAIGNS.c.campaign_id))
    return [
        KnownCampaign(
            campaign=msgspec.json.decode(row.body, type=Campaign),
            signature=row.signature,
            found_at=row.found_at,
            mined_at=row.mined_at,
            state=row.state,
        )
        for row in rows
    ]


def set_campaign_state(connection: Connection, campaign_id: str, state: CampaignState, event: CampaignEvent) -> None:
    told = update(CAMPAIGNS).where(CAMPAIGNS.c.campaign_id == campaign_id).values(state=state)
    if not connection.execute(told).rowcount:
        raise InputError(f"no campaign {campaign_id}", hint="it may have been purged")
    same = [EVENTS.c[name] == value for name, value in row_of(event).items()]
    if connection.execute(select(EVENTS.c.number).where(EVENTS.c.mining_at.is_(None), *same)).first() is None:
        insert_new(connection, EVENTS, [{**row_of(event), "mining_at": None}])


def history(connection: Connection, campaign_id: str | None) -> list[CampaignEvent]:
    query = select(*columns_of(EVENTS, CampaignEvent)).order_by(EVENTS.c.at, EVENTS.c.campaign_id, EVENTS.c.number)
    return values_of(
        connection, query if campaign_id is None else query.where(EVENTS.c.campaign_id == campaign_id), CampaignEvent
    )


def add_recognised(connection: Connection, found: Sequence[Recognised]) -> None:
    for chunk in chunks(found):
        insert_new(connection, RECOGNISED, [row_of(each) for each in chunk])


def recognised(connection: Connection, campaign_id: str | None) -> list[Recognised]:
    table = RECOGNISED.c
    query = select(RECOGNISED).order_by(table.at, table.campaign_id, table.platform, table.account_id)
    return values_of(
        connection, query if campaign_id is None else query.where(table.campaign_id == campaign_id), Recognised
    )


def purge(connection: Connection, before: datetime) -> int:
    """How many campaigns went; minings but the last, and accounts recognised before, go silently."""
    old = select(CAMPAIGNS.c.campaign_id).where(CAMPAIGNS.c.mined_at < before)
    connection.execute(delete(EVENTS).where(EVENTS.c.campaign_id.in_(old)))
    connection.execute(delete(RECOGNISED).where(RECOGNISED.c.campaign_id.in_(old)))
    connection.execute(delete(RECOGNISED).where(RECOGNISED.c.at < before))
    last = select(func.max(MININGS.c.at)).scalar_subquery()
    connection.execute(delete(MININGS).where(MININGS.c.at < before, MININGS.c.at < last))
    return connection.execute(delete(CAMPAIGNS).where(CAMPAIGNS.c.mined_at < before)).rowcount
