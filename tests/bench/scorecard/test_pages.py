"""The scorecard's files: what they say, and that they load nothing and run nothing."""

from __future__ import annotations

import os
import re
import socket
from html.parser import HTMLParser
from pathlib import Path

import msgspec
import pytest
from handmade_cards import card

from stillwatch.bench.scorecard.card import Scorecard
from stillwatch.bench.scorecard.drawings import BOTTOM, LEFT, RIGHT, TOP, drawing
from stillwatch.bench.scorecard.html import html
from stillwatch.bench.scorecard.markdown import markdown
from stillwatch.bench.scorecard.page import sections
from stillwatch.bench.scorecard.shown import Plot, Series
from stillwatch.bench.scorecard.written import read, save
from stillwatch.errors import InputError


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Scorecard:
    return card(tmp_path_factory.mktemp("cards"))


def test_the_files_are_written_and_read_back_alike(made: Scorecard, tmp_path: Path) -> None:
    save(made, tmp_path / "out")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "scorecard.html",
        "scorecard.json",
        "scorecard.md",
    ]
    assert read(tmp_path / "out" / "scorecard.json") == made


def test_another_schema_is_refused_by_name(made: Scorecard, tmp_path: Path) -> None:
    save(msgspec.structs.replace(made, schema="stillwatch-scorecard/0"), tmp_path)
    with pytest.raises(InputError, match="stillwatch-scorecard/0"):
        read(tmp_path / "scorecard.json")
    (tmp_path / "scorecard.json").write_text("{}")
    with pytest.raises(InputError, match="is no scorecard"):
        read(tmp_path / "scorecard.json")


def test_markdown_and_page_have_the_same_sections_and_figures(made: Scorecard) -> None:
    text, page = markdown(made), html(made)
    for section in sections(made):
        assert f"## {section.title}\n" in text
        assert f">{section.title}</h2>" in page
    assert "0.600 (0.600 to 0.600)" in text
    assert "| full | 2 |" in text
    assert "1 of 60" in text
    assert "1 of 60" in page
    assert "earns nothing here" in page


def test_every_row_of_a_table_is_as_long_as_its_head(made: Scorecard) -> None:
    for section in sections(made):
        for table in section.tables:
            assert all(len(row) == len(table.head) for row in table.rows), section.title


class Elements(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))
        if tag not in ("meta", "link", "br"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_page_is_well_formed_and_asks_for_nothing(made: Scorecard) -> None:
    page = html(made)
    parsed = Elements()
    parsed.feed(page)
    assert parsed.open == []
    assert not {tag for tag, _ in parsed.seen} & {"script", "link", "img", "iframe", "object", "embed"}
    links = [attrs["href"] for _, attrs in parsed.seen if "href" in attrs]
    targets = {attrs.get("id") for _, attrs in parsed.seen}
    assert links
    assert all(link and link.startswith("#") and link[1:] in targets for link in links)
    assert not re.search(r"url\(|@import|http-equiv=.refresh", page)
    assert "&lt;script&gt;alert" in page


def test_a_card_names_no_host_no_path_and_no_user(made: Scorecard) -> None:
    raw = msgspec.json.encode(made.made).decode()
    assert socket.gethostname() not in raw
    assert str(Path.cwd()) not in raw
    assert os.sep + "home" not in raw
    assert made.made.machine.cores >= 1


def test_drawings_put_the_least_at_the_bottom_and_the_most_at_the_top() -> None:
    series = Series(label="recall", points=((0.0, 0.0, 0.0, 0.0), (1.0, 1.0, 0.5, 1.0)))
    plot = Plot(title="t", x_says="x", y_says="y", series=(series,), marks=(0.0, 0.5, 1.0), diagonal=True)
    found = drawing(plot)
    first, last = found.lines[0].dots
    assert (first.x, first.y) == (LEFT, BOTTOM)
    assert (last.x, last.y) == (RIGHT, TOP)
    assert (last.top, last.bottom) == (TOP, (TOP + BOTTOM) / 2)
    assert found.diagonal == f"M{LEFT} {BOTTOM}L{RIGHT} {TOP}"


def test_swept_values_stand_at_even_distances_and_inside() -> None:
    values = (1.0, 2.0, 50.0)
    series = Series(label="recall", points=tuple((v, 0.5, 0.5, 0.5) for v in values))
    found = drawing(Plot(title="t", x_says="x", y_says="y", series=(series,), marks=values, even=True))
    x = [tick.at for tick in found.x_ticks]
    assert x[1] - x[0] == pytest.approx(x[2] - x[1], abs=0.2)
    assert all(LEFT < at < RIGHT for at in x)
    assert [dot.x for dot in found.lines[0].dots] == x
