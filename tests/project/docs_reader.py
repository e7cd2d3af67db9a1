"""Reads what the documentation tests check out of Markdown: fenced blocks, links, headings, inline code.

Knows the subset of Markdown that this project's documents use, no more.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

FENCE = re.compile(r"^```(?P<info>[^\n`]*)\n(?P<body>.*?)^```\s*$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"(?<!!)\[(?:[^\]\[]|\[[^\]]*\])*\]\((?P<target>[^)\s]+)\)|!\[[^\]]*\]\((?P<image>[^)\s]+)\)")
HEADING = re.compile(r"^#{1,6}\s+(?P<title>.+?)\s*$", re.MULTILINE)
SPAN = re.compile(r"`([^`\n]+)`")


@dataclass(frozen=True, kw_only=True)
class Block:
    """One fenced block; ``run`` says that it must run as it stands."""

    language: str
    run: bool
    text: str
    line: int


def blocks(document: Path) -> list[Block]:
    text = document.read_text(encoding="utf-8")
    found: list[Block] = []
    for match in FENCE.finditer(text):
        language, *flags = match["info"].split() or [""]
        line = text.count("\n", 0, match.start()) + 1
        found.append(Block(language=language, run="run" in flags, text=match["body"], line=line))
    return found


def prose(document: Path) -> str:
    """The document without its fenced blocks."""
    return FENCE.sub("", document.read_text(encoding="utf-8"))


def links(document: Path) -> list[str]:
    return [match["target"] or match["image"] for match in LINK.finditer(prose(document))]


def anchors(document: Path) -> set[str]:
    """Anchors as repository hosts make them: lower case, punctuation gone, spaces as hyphens."""
    titles = (match["title"] for match in HEADING.finditer(prose(document)))
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def code_lines(document: Path) -> list[str]:
    """Every line of shell code and every inline code span: whatever a reader might type."""
    shell = [block.text for block in blocks(document) if block.language in {"", "bash", "sh"}]
    return [line.strip() for text in shell for line in text.splitlines()] + SPAN.findall(prose(document))
