"""``stillwatch serve``: the live service, in one process."""

from __future__ import annotations

import argparse
import asyncio
import os
from pathlib import Path

from rich.console import Console

from stillwatch.config import load_config
from stillwatch.errors import ConfigError

_EXAMPLES = """examples:
  stillwatch serve                                  everything under ./stillwatch-state, on 127.0.0.1:8700
  stillwatch serve --config stillwatch.toml
  STILLWATCH_ADMIN_PASSWORD=... stillwatch serve    makes the first administrator
"""


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command's arguments."""
    parser = subparsers.add_parser(
        "serve",
        help="watch the event stream and answer gateways, in shadow first",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--config", type=Path, help="TOML file (default: none, everything at its default)")
    parser.add_argument("--host", help="address to listen on (default: serve.host, 127.0.0.1)")
    parser.add_argument("--port", type=int, help="port to listen on, 0 for any (default: serve.port, 8700)")


def run(args: argparse.Namespace) -> int:
    """Serve until interrupted."""
    try:
        from stillwatch.serve.running import close_service, open_service
        from stillwatch.serve.running import run as serve
    except ImportError as error:
        raise ConfigError(
            f"the live service is not installed ({error.name} is missing)", hint="pip install 'stillwatch[serve]'"
        ) from error
    from stillwatch.serve.first import first_administrator

    config = load_config(args.config)
    console = Console(stderr=True)
    service = open_service(config)
    try:
        said = first_administrator(service.parts.store, service.doors.passwords, os.environ)
        if said:
            console.print(said, markup=False)
        host = args.host or config.serve.host
        port = config.serve.port if args.port is None else args.port

        def ready(at: int) -> None:
            active = service.parts.watch.active()
            mode = active[1] if active else "no policy"
            console.print(
                f"stillwatch serves on http://{host}:{at} ({mode}; state in {config.live.state})", markup=False
            )

        asyncio.run(serve(service, host=host, port=port, ready=ready))
    finally:
        close_service(service)
    return 0
