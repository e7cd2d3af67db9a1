"""Start and stop of the service: opens everything in order, runs it, and closes it in the opposite order."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import logging
import os
import secrets
import socket
from collections.abc import AsyncGenerator, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import msgspec
import uvicorn

from stillwatch.access.oidc import Oidc
from stillwatch.access.secrets import resolve_secret
from stillwatch.alerts.alert import alerts
from stillwatch.alerts.configure import open_channels, read_alerts
from stillwatch.alerts.outbox import Outbox
from stillwatch.authored import nearest
from stillwatch.clock import now
from stillwatch.config import Config
from stillwatch.errors import ConfigError, StillwatchError
from stillwatch.gateway.publish import Publisher
from stillwatch.gateway.table import Table
from stillwatch.live.board import Board
from stillwatch.live.feeds import feed
from stillwatch.live.intake import Intake
from stillwatch.live.miner import Miner
from stillwatch.live.segments import SegmentLog
from stillwatch.live.watch import Turn, Watch
from stillwatch.policy.compile import load_policy, shipped
from stillwatch.serve.app import application
from stillwatch.serve.doors import Doors
from stillwatch.serve.parts import Parts
from stillwatch.sources.config import SourceConfig
from stillwatch.sources.configure import configured, open_source
from stillwatch.sources.decode import Reading
from stillwatch.sources.protocol import Source
from stillwatch.store import PolicyVersion, Store, open_store
from stillwatch.text import load_model

LOG = logging.getLogger("stillwatch.serve")
REFRESH_EVERY_S = 0.5  # how soon a decision is on its way to gateways
KEY_FILE, STORE_FILE, SEGMENTS, LOCK_FILE = "decisions.key", "stillwatch.sqlite", "segments", "lock"


@dataclass(frozen=True, kw_only=True)
class Service:
    """Everything that was opened."""

    parts: Parts
    doors: Doors
    outbox: Outbox | None
    lock: int


def state_dir(config: Config) -> Path:
    """The directory of the configuration, made where it is not there yet. Raises ConfigError where it cannot be."""
    path = Path(config.live.state)
    try:
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        said = f"cannot use {path}: {error.strerror}"
        raise ConfigError(said, where="live.state", hint="name a directory") from error
    return path


def open_configured_store(config: Config) -> Store:
    """SQLite under the state directory, or what ``live.store`` says."""
    url = config.live.store
    if not url:
        return open_store(state_dir(config) / STORE_FILE)
    return open_store(resolve_secret(url, where="live.store") if url.startswith(("env:", "file:")) else url)


def decision_key(state: Path) -> bytes:
    """The key that draws shares and jitter: made once, kept beside the state, readable by its owner alone."""
    path = state / KEY_FILE
    if not path.exists():
        fresh = path.with_suffix(".part")
        fresh.touch(mode=0o600)
        fresh.write_bytes(secrets.token_bytes(32))
        fresh.rename(path)
    return path.read_bytes()


def open_service(config: Config) -> Service:
    """Opens the store, the segments and the sources; starts writing and mining. Raises ConfigError, EngineError."""
    state = state_dir(config)
    lock = locked(state)
    store = open_configured_store(config)
    install_policy(store, config.policy.file)
    watch = Watch(store, decision_key(state), config.policy.share)
    outbox = _outbox(config, store, state)
    note = _noter(store, watch, outbox)
    log = SegmentLog(state / SEGMENTS)
    intake = Intake(
        log,
        store,
        load_model(),
        config.ingest.salt.encode(),
        retention=timedelta(days=config.live.retention_days),
        keep_letters=config.live.keep_letters,
        told=lambda prints, _: note(watch.news(prints, now())),
    )
    miner = Miner(store, log, intake, watch, config, state, note)
    key = _snapshot_key(config)
    board = Board(store, Publisher(key=key), Table(), key)
    reading = Reading(
        salt=config.ingest.salt.encode(), content=config.ingest.content, max_bytes=config.serve.max_body_mb << 20
    )
    parts = Parts(
        config=config,
        store=store,
        intake=intake,
        watch=watch,
        miner=miner,
        board=board,
        reading=reading,
        readers=ThreadPoolExecutor(2, thread_name_prefix="stillwatch-reader"),
        note=note,
        sources=[(open_source(one), one) for one in configured(config.sources)],
    )
    intake.start()
    miner.start()
    board.refresh(now())
    return Service(parts=parts, doors=Doors(store, _oidc(config)), outbox=outbox, lock=lock)


def close_service(service: Service) -> None:
    """Writes what waits, then lets go of everything."""
    parts = service.parts
    parts.miner.stop()
    parts.intake.stop()
    parts.readers.shutdown()
    service.doors.close()
    parts.store.close()
    os.close(service.lock)


def locked(state: Path) -> int:
    """A lock on the state directory, held as long as the process lives: two writers would lose each other's files."""
    handle = os.open(state / LOCK_FILE, os.O_CREAT | os.O_RDWR, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(handle)
        raise ConfigError(
            f"another service uses {state}", where="live.state", hint="stop it, or name another directory"
        ) from error
    return handle


def listening(host: str, port: int) -> socket.socket:
    """A bound socket. Raises ConfigError where the address cannot be used."""
    try:
        return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except (OSError, OverflowError) as error:
        said = f"cannot listen on {host}:{port}: {error}"
        raise ConfigError(said, where="serve", hint="choose another port") from error


def install_policy(store: Store, name: str) -> None:
    """The configured rules, in shadow, where the store has no active ones: a start never arms anything."""
    if any(version.active for version in store.policies()):
        return
    policy, _ = load_policy(name)
    path = shipped().get(name) or Path(name)
    version = PolicyVersion(
        digest=policy.digest,
        text=path.read_text(encoding="utf-8"),
        added_at=now(),
        added_by="configuration",
        mode="shadow",
        active=True,
    )
    store.put_policy(version)


def _snapshot_key(config: Config) -> bytes | None:
    reference = config.serve.snapshot_key
    return resolve_secret(reference, where="serve.snapshot_key").encode() if reference else None


def _oidc(config: Config) -> Oidc | None:
    if not config.oidc:
        return None
    values = dict(config.oidc)
    for key in values:
        if key not in Oidc.__struct_fields__:
            raise ConfigError(nearest(f"oidc.{key}", tuple(f"oidc.{n}" for n in Oidc.__struct_fields__), "key"))
    if "client_secret" in values:
        values["client_secret"] = resolve_secret(str(values["client_secret"]), where="oidc.client_secret")
    try:
        return msgspec.convert(values, Oidc)
    except msgspec.ValidationError as error:
        raise ConfigError(str(error), where="oidc") from error


def _outbox(config: Config, store: Store, state: Path) -> Outbox | None:
    tables = read_alerts(list(config.alerts))
    if not tables:
        return None
    channels = open_channels(
        tables,
        lambda reference: resolve_secret(reference, where="alerts"),
        folder=state,
        console=config.serve.public_url,
    )
    return Outbox(channels, state / "alerts", store.first_alert)


def _noter(store: Store, watch: Watch, outbox: Outbox | None) -> Callable[[Turn], None]:
    """Tells the channels what a turn changed."""
    told = {known.campaign.campaign_id: known for known in watch.known()}

    def note(turn: Turn) -> None:
        nothing = not (turn.events or turn.recognised or turn.outcome.new or turn.outcome.lapse or turn.disarmed)
        if outbox is None or nothing:
            return
        after = watch.known()
        ids = {decision.decision_id for decision in turn.outcome.new} | {one.decision_id for one in turn.outcome.lapse}
        ids |= set(turn.disarmed.undo.ids) if turn.disarmed else set()
        changed = [decision for decision in store.decisions() if decision.decision_id in ids]
        outbox.put(alerts(list(told.values()), after, turn.events, changed, None), now())
        told.update({known.campaign.campaign_id: known for known in after})

    return note


async def run(service: Service, *, host: str, port: int, ready: Callable[[int], None] | None = None) -> None:
    """Serves until interrupted. ``ready`` is told the port once it listens (0 asks for any)."""
    app = application(service.parts, service.doors, service.outbox)
    bound = listening(host, port)
    config = uvicorn.Config(app, log_level="warning", lifespan="on", access_log=False)
    server = uvicorn.Server(config)
    async with _beside(service):
        serving = asyncio.create_task(server.serve(sockets=[bound]))
        while not server.started and not serving.done():  # noqa: ASYNC110 - uvicorn tells no other way
            await asyncio.sleep(0.01)
        if server.started and ready is not None:
            ready(bound.getsockname()[1])
        await serving


@contextlib.asynccontextmanager
async def _beside(service: Service) -> AsyncGenerator[None, None]:
    """What runs beside the HTTP server, on the same loop: the board, the sources, the alerts."""
    parts = service.parts
    tasks = [asyncio.create_task(_refreshing(parts.board))]
    tasks += [asyncio.create_task(_fed(parts, source, chosen)) for source, chosen in parts.sources]
    if service.outbox is not None:
        tasks.append(asyncio.create_task(service.outbox.run()))
    try:
        yield
    finally:
        for source, _ in parts.sources:
            await source.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _fed(parts: Parts, source: Source, chosen: SourceConfig) -> None:
    """One source; where it ends by an error, the status and the log say so, and the others go on."""
    reading = msgspec.structs.replace(parts.reading, default_platform=chosen.platform)
    try:
        await feed(source, parts.intake, parts.store, reading, chosen.letters)
    except Exception as error:
        parts.broken[source.name] = str(error) or repr(error)
        LOG.exception("source %s ended", source.name)


async def _refreshing(board: Board) -> None:
    while True:
        with contextlib.suppress(StillwatchError):  # the store is away: gateways keep what they have, and grow stale
            if await asyncio.to_thread(board.refresh, now()):
                board.announce()
        await asyncio.sleep(REFRESH_EVERY_S)
