"""Routes of campaigns: list, look, history, dismiss, mine now; and of what could not be read."""

from __future__ import annotations

import asyncio
from typing import Annotated

import msgspec
from litestar import get, post
from litestar.exceptions import NotFoundException
from litestar.params import FromPath, JSONBody, QueryParameter

from stillwatch.clock import now
from stillwatch.live.watch import Watch
from stillwatch.model import CampaignEvent, KnownCampaign
from stillwatch.serve.asking import Ask, note, parts_of
from stillwatch.serve.wire import CampaignLine, CampaignView, Counted, DeadLetters, Dismiss, RecognisedLine
from stillwatch.store.protocol import Recognised

READ, WRITE = {"scope": "campaigns:read"}, {"scope": "campaigns:write"}


@get("/v1/campaigns", opt=READ, summary="Campaigns under the ids they keep")
async def campaigns(request: Ask) -> list[CampaignLine]:
    """The largest harvest first; dormant, merged and dismissed ones too, by ``state``."""
    watch = parts_of(request).watch
    found = await asyncio.to_thread(watch.known)
    marks = await asyncio.to_thread(watch.recognised)
    of: dict[str, list[Recognised]] = {}
    for mark in marks.values():
        of.setdefault(mark.campaign_id, []).append(mark)
    lines = [_line(known, of.get(known.campaign.campaign_id, [])) for known in found]
    return sorted(lines, key=lambda line: (-line.extraction_exchanges, line.campaign_id))


def _line(known: KnownCampaign, marks: list[Recognised]) -> CampaignLine:
    campaign = known.campaign
    accused = sum(member.accused for member in campaign.roster)
    return CampaignLine(
        campaign_id=campaign.campaign_id,
        state=known.state,
        verdict=campaign.verdict,
        confidence=campaign.confidence,
        accounts=accused,
        possible_accounts=len(campaign.roster) - accused,
        recognised_accounts=len(marks),
        exchanges=campaign.exchanges,
        extraction_exchanges=campaign.extraction_exchanges,
        first_seen=campaign.first_seen,
        last_seen=campaign.last_seen,
        found_at=known.found_at,
        mined_at=known.mined_at,
        capabilities=campaign.capabilities,
    )


def _known(watch: Watch, campaign_id: str) -> KnownCampaign:
    for known in watch.known():
        if known.campaign.campaign_id == campaign_id:
            return known
    raise NotFoundException(f"no campaign {campaign_id}")


@get("/v1/campaigns/{campaign_id:str}", opt=READ, summary="One campaign with all of its evidence")
async def campaign(request: Ask, campaign_id: FromPath[str]) -> CampaignView:
    """Members, evidence in bits on both axes, counter-evidence, timeline, links, and accounts recognised since."""
    watch = parts_of(request).watch
    known = await asyncio.to_thread(_known, watch, campaign_id)
    marks = [mark for mark in watch.recognised().values() if mark.campaign_id == campaign_id]
    return CampaignView(
        campaign=known.campaign,
        state=known.state,
        found_at=known.found_at,
        mined_at=known.mined_at,
        recognised=tuple(msgspec.convert(msgspec.to_builtins(mark), RecognisedLine) for mark in marks),
    )


@get("/v1/campaigns/{campaign_id:str}/history", opt=READ, summary="The turns in a campaign's life")
async def history(request: Ask, campaign_id: FromPath[str]) -> list[CampaignEvent]:
    """Found, grown, shrunk, merged, split, dormant, returned, dismissed: oldest first."""
    parts = parts_of(request)
    await asyncio.to_thread(_known, parts.watch, campaign_id)
    return await asyncio.to_thread(parts.store.history, campaign_id)


@post("/v1/campaigns/{campaign_id:str}/dismiss", opt=WRITE, status_code=200, summary="Say that a campaign is none")
async def dismiss(request: Ask, campaign_id: FromPath[str], data: JSONBody[Dismiss]) -> Counted:
    """What was decided for it lapses and its signature is not used again. How many decisions lapsed."""
    parts = parts_of(request)
    await asyncio.to_thread(_known, parts.watch, campaign_id)
    turn = await asyncio.to_thread(parts.watch.dismiss, campaign_id, now(), data.because)
    parts.note(turn)
    await note(request, "campaign.dismiss", campaign_id, because=data.because)
    return Counted(count=len(turn.outcome.lapse))


@post("/v1/mine", opt=WRITE, status_code=202, summary="Mine now, without waiting for the schedule")
async def mine(request: Ask) -> Counted:
    """Answers at once; ``/v1/status`` says when it is done."""
    parts_of(request).miner.soon()
    await note(request, "mine", "now")
    return Counted(count=1)


@post("/v1/sources/{name:str}/resume", opt={"scope": "admin"}, status_code=200, summary="Let a paused source go on")
async def resume(request: Ask, name: FromPath[str]) -> Counted:
    """A source is paused when most of what it sends cannot be read."""
    for source, _ in parts_of(request).sources:
        if source.name == name:
            source.resume()
            await note(request, "source.resume", name)
            return Counted(count=1)
    raise NotFoundException(f"no source {name}")


@get("/v1/dead-letters", opt={"scope": "prompts:read"}, summary="Messages that could not be read, the latest first")
async def dead_letters(request: Ask, limit: Annotated[int, QueryParameter(ge=1, le=10_000)] = 100) -> DeadLetters:
    """With reason and a masked excerpt. Reading them is logged: an excerpt may hold what somebody wrote."""
    store = parts_of(request).store
    found = await asyncio.to_thread(store.dead_letters, limit)
    await note(request, "dead_letters.read", "dead letters", count=str(len(found)))
    return DeadLetters(held=await asyncio.to_thread(store.dead_letter_count), letters=tuple(found))


HANDLERS = (campaigns, campaign, history, dismiss, mine, resume, dead_letters)
