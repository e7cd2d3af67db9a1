"""What the drawings and the words rest on: volumes conserved, links grown, places finite, sums that add up."""

from __future__ import annotations

import math
from datetime import timedelta

import msgspec
import pytest
from handmade_results import START, evidence, hydra, loner, resale_pool, result_of
from hypothesis import given, settings
from hypothesis import strategies as st

from stillwatch.model import Evidence, Link, ModelPivot, TimelinePoint
from stillwatch.report import words
from stillwatch.report.charts import bars, graph_view, timeline_view
from stillwatch.report.layout import graph, grown
from stillwatch.report.timeline import BUCKET_HOURS, OTHER_MODELS, buckets, marks
from stillwatch.report.waterfall import waterfall

EDGES = st.lists(
    st.tuples(st.integers(0, 24), st.integers(0, 24), st.floats(-5, 30)).filter(lambda edge: edge[0] != edge[1]),
    max_size=60,
)
HOURS = st.lists(st.tuples(st.integers(0, 2_000), st.sampled_from("abcdefgh"), st.integers(1, 50)), min_size=1)


def links_of(edges: list[tuple[int, int, float]]) -> tuple[Link, ...]:
    return tuple(Link(left=a, right=b, bits=bits, reasons=()) for a, b, bits in edges)


def points_of(hours: list[tuple[int, str, int]]) -> tuple[TimelinePoint, ...]:
    return tuple(
        TimelinePoint(at=START + timedelta(hours=hour), model=model, exchanges=n, harvest_exchanges=n // 2)
        for hour, model, n in hours
    )


@given(HOURS)
def test_buckets_neither_lose_nor_invent_exchanges(hours: list[tuple[int, str, int]]) -> None:
    points = points_of(hours)
    told = buckets(msgspec.structs.replace(loner(), timeline=points))
    assert told is not None
    assert sum(bucket.total for bucket in told.buckets) == sum(point.exchanges for point in points)
    assert sum(bucket.harvest for bucket in told.buckets) == sum(point.harvest_exchanges for point in points)
    assert len(told.buckets) <= 121 or told.width == timedelta(hours=BUCKET_HOURS[-1])
    assert all(told.first <= point.at < told.last for point in points)
    assert (OTHER_MODELS in told.models) == (len({point.model for point in points}) > 5)


@given(HOURS)
@settings(max_examples=40, deadline=None)
def test_the_timeline_is_drawn_inside_its_frame(hours: list[tuple[int, str, int]]) -> None:
    campaign = msgspec.structs.replace(hydra(size=4), timeline=points_of(hours))
    view = timeline_view(campaign, result_of(campaign))
    assert view is not None
    for plot in (view.wide, view.narrow):
        for place in (*(f.x for f in plot.flags), *(t.at for t in plot.x_ticks), *(h.x for h in plot.hovers)):
            assert plot.left - 1 <= place <= plot.right + 1
        assert all(math.isfinite(float(number)) for number in (plot.height, plot.top, plot.bottom))
        assert plot.x_ticks
    assert sum(day.exchanges for day in view.days) == sum(point.exchanges for point in campaign.timeline)


@pytest.mark.parametrize(("step", "width"), [(1, 3), (6, 6), (12, 12)])
def test_a_coarse_timeline_shows_no_gaps_that_are_none(step: int, width: int) -> None:
    points = points_of([(hour, "m", 5) for hour in range(0, 240, step)])
    told = buckets(msgspec.structs.replace(loner(), timeline=points))
    assert told is not None
    assert told.width == timedelta(hours=width)
    assert all(bucket.total for bucket in told.buckets)


def test_only_an_extraction_campaign_is_drawn_with_a_harvest() -> None:
    for campaign, is_drawn in ((hydra(), True), (resale_pool(), False)):
        view = timeline_view(campaign, result_of(campaign))
        assert view is not None
        assert bool(view.wide.harvest) == view.is_harvest == is_drawn
        assert any("harvesting" in hover.says for hover in view.wide.hovers) == is_drawn


def test_a_model_seen_from_the_start_is_not_called_released() -> None:
    campaign = hydra()
    told = marks(campaign, result_of(campaign))
    assert [(mark.kind, mark.model) for mark in told] == [
        ("release", "still-4"),
        ("release", "still-4-mini"),
        ("pivot", "still-4"),
    ]


def test_many_marks_at_one_moment_do_not_push_the_plot_off_the_page() -> None:
    pivots = tuple(ModelPivot(at=START + timedelta(days=2), to_model=f"m{n}", share=0.1) for n in range(30))
    campaign = msgspec.structs.replace(hydra(), model_pivots=pivots)
    view = timeline_view(campaign, result_of(campaign))
    assert view is not None
    assert view.wide.top < 100
    assert len(view.legend) == len(view.wide.flags) == 12


@given(EDGES, st.integers(1, 30))
def test_grown_links_are_the_strongest_that_hang_together(edges: list[tuple[int, int, float]], most: int) -> None:
    links = links_of(edges)
    chosen = grown(links, most)
    assert len(chosen) == min(most, len(links))
    if chosen:
        assert chosen[0].bits == max(link.bits for link in links)
        assert [link.bits for link in chosen] == sorted((link.bits for link in chosen), reverse=True)
    assert sorted(grown(links, 10**6), key=repr) == sorted(links, key=repr)


def test_a_large_campaign_is_drawn_as_one_connected_core() -> None:
    drawn = graph(hydra(size=2_000, possible=0))
    assert len(drawn.links) == 300
    reached = {drawn.links[0].left}
    for _ in drawn.links:
        reached |= {end for x in drawn.links if {x.left, x.right} & reached for end in (x.left, x.right)}
    assert reached == {node.member for node in drawn.nodes}
    assert drawn.accounts_left_out == 2_000 - len(drawn.nodes)


@given(EDGES)
@settings(max_examples=60, deadline=None)
def test_places_are_finite_and_the_same_every_time(edges: list[tuple[int, int, float]]) -> None:
    campaign = msgspec.structs.replace(hydra(size=25, possible=0), links=links_of(edges))
    drawn = graph(campaign)
    assert drawn == graph(campaign)
    assert {node.member for node in drawn.nodes} == {end for a, b, _ in edges for end in (a, b)}
    assert all(math.isfinite(node.x) and math.isfinite(node.y) for node in drawn.nodes)
    assert len({(node.x, node.y) for node in drawn.nodes}) == len(drawn.nodes)
    view = graph_view(campaign)
    assert (view is None) == (not edges)
    assert view is None or all(0 <= node.x <= 900 and 0 <= node.y <= view.height for node in view.nodes)


REASONS = st.lists(
    st.builds(
        lambda bits, family, axis: evidence("n", family, axis, bits, "says", 0),
        st.floats(-40, 40),
        st.sampled_from("abcd"),
        st.sampled_from(["operator", "harvest"]),
    ),
    max_size=12,
)


@given(REASONS, st.floats(-50, 50))
def test_a_waterfall_counts_every_reason_once_and_ends_at_its_total(reasons: list[Evidence], total: float) -> None:
    one = waterfall(reasons, "operator", total)
    counted = [step.item for step in one.steps if step.item is not None]
    on_axis = [item for item in reasons if item.axis == "operator"]
    assert len(counted) + len(one.silent) == len(on_axis)
    assert all(abs(item.bits) < 0.15 for item in one.silent)
    assert sum(step.bits for step in one.steps) == pytest.approx(total, abs=0.16)
    drawn, whole, zero = bars(one)
    assert len(drawn) == len(one.steps)
    for bar in (*drawn, whole):
        assert bar.left >= 0
        assert bar.left + bar.width <= 100.1
    assert 0 <= zero <= 100


def test_what_says_nothing_is_no_step_and_no_reason() -> None:
    weak = evidence("faint", "f", "operator", -0.02, "it was a Tuesday", 0)
    one = waterfall([weak], "operator", 3.0)
    assert one.silent == (weak,)
    assert [step.item for step in one.steps] == [None]
    told = msgspec.structs.replace(hydra(), evidence=(weak, *loner().evidence))
    assert "it was a Tuesday" not in words.reasons_against(told)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain-id", "plain-id"),
        ("a\u202eb", "a[U+202E]b"),
        ("tab\there", "tab[U+0009]here"),
        ("x" * 200, "x" * 87 + "…" + "x" * 8),
        ("\u4f60\u597d \u0645\u0631\u062d\u0628\u0627", "\u4f60\u597d \u0645\u0631\u062d\u0628\u0627"),
    ],
)
def test_strings_from_logs_are_shown_as_they_are(text: str, shown: str) -> None:
    assert words.visible(text) == shown


@given(st.text(max_size=300), st.integers(12, 120))
def test_nothing_invisible_is_ever_shown(text: str, limit: int) -> None:
    shown = words.visible(text, limit)
    assert shown.isprintable() or set(shown) <= {c for c in shown if c.isprintable() or c.isspace()}
    assert len(text) > limit or "…" in text or "…" not in shown


@pytest.mark.parametrize(
    ("value", "says"),
    [(0.0, "0%"), (0.001, "<1%"), (0.471, "47%"), (0.995, ">99%"), (1.0, "100%")],
)
def test_no_share_is_rounded_to_none_or_all(value: float, says: str) -> None:
    assert words.percent(value) == says


def test_bits_carry_their_sign() -> None:
    assert [words.signed(value) for value in (3.14, -2.31, 0.04, -0.04)] == ["+3.1", "\u22122.3", "0.0", "0.0"]


def test_a_verdict_is_told_in_one_sentence_with_both_sides() -> None:
    assert (
        words.claim(hydra())
        == "These 60 accounts are run by one party and harvest reasoning (62%) and rubric grading (27%)"
    )
    assert words.claim(loner()) == "This one account harvests rubric grading (100%)"
    assert "no harvesting of note was found" in words.claim(resale_pool())
    assert words.reasons_against(hydra())[0] == "activity follows five time zones, not one shift"
    assert "people ask again, rephrase and follow up" in words.reasons_for(resale_pool())
    assert words.reasons_against(resale_pool()) == []


def test_a_mixed_harvest_is_not_called_by_its_largest_named_part() -> None:
    mixed = msgspec.structs.replace(loner(), capabilities={"other": 0.71, "coding": 0.29})
    assert words.claim(mixed) == "This one account harvests outputs of mixed kinds"


def test_a_scan_without_an_extraction_campaign_accuses_nobody() -> None:
    says = words.headline(result_of(resale_pool()))
    assert says == "1 resale pool found among 9,000 accounts; nobody is accused of extraction."
