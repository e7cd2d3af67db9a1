"""The scorecard as one HTML file: no script, no request to anywhere; the sections of the Markdown, and plots."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from importlib import resources
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from stillwatch.bench.scorecard.card import Scorecard
from stillwatch.bench.scorecard.drawings import drawing
from stillwatch.bench.scorecard.markdown import QUICK, TITLE
from stillwatch.bench.scorecard.page import sections


def html(card: Scorecard) -> str:
    """The whole document; equal cards give equal text."""
    style = (resources.files("stillwatch.bench.scorecard") / "templates" / "scorecard.css").read_text(encoding="utf-8")
    digest = "sha256-" + base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return (
        _environment()
        .get_template("scorecard.html.j2")
        .render(
            title=TITLE,
            card=card,
            quick=QUICK if card.quick else "",
            sections=sections(card),
            style=Markup(style),  # noqa: S704  the package's own file
            style_digest=digest,
        )
    )


@cache
def _environment() -> Environment:
    made = Environment(
        loader=PackageLoader("stillwatch.bench.scorecard", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    filters: dict[str, Any] = {"drawn": drawing, "anchor": _anchor}
    made.filters.update(filters)
    return made


def _anchor(title: str) -> str:
    return "-".join("".join(c for c in word if c.isalnum()) for word in title.lower().split())
