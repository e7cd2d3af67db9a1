"""The scorecard's three files, written all or none."""

from __future__ import annotations

from pathlib import Path

import msgspec

from stillwatch.bench.scorecard.card import SCHEMA, Scorecard
from stillwatch.bench.scorecard.html import html
from stillwatch.bench.scorecard.markdown import markdown
from stillwatch.bench.scorecard.tasks import write
from stillwatch.errors import InputError


def save(card: Scorecard, out: Path) -> None:
    """``scorecard.json``, ``scorecard.md`` and ``scorecard.html`` under ``out``."""
    made = {
        "scorecard.json": encoded(card),
        "scorecard.md": markdown(card).encode(),
        "scorecard.html": html(card).encode(),
    }
    for name, content in made.items():
        write(out / name, content)


def encoded(card: Scorecard) -> bytes:
    """Readable JSON with a stable order of keys."""
    return msgspec.json.format(msgspec.json.encode(card, order="deterministic"), indent=1) + b"\n"


def read(path: Path) -> Scorecard:
    """A scorecard of this version, or an InputError."""
    try:
        card = msgspec.json.decode(path.read_bytes(), type=Scorecard)
    except (OSError, msgspec.DecodeError) as error:
        raise InputError(f"is no scorecard: {error}", source=str(path), hint="run stillwatch bench") from error
    if card.schema != SCHEMA:
        raise InputError(f"is of {card.schema}, not {SCHEMA}", source=str(path), hint="run stillwatch bench again")
    return card
