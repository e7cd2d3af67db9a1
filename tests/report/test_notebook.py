"""The notebook report: tables as Arrow, figures that say what the campaign says, and no markup out of logs."""

from __future__ import annotations

from pathlib import Path

import pytest
from handmade_results import hydra, loner, resale_pool, result_of, scores_of

from stillwatch.errors import InputError
from stillwatch.model import ScanResult
from stillwatch.report.explain import CampaignExplanation
from stillwatch.report.notebook import EVIDENCE_TABLE, Report
from stillwatch.report.reading import read_scan


@pytest.fixture(scope="session")
def report(result: ScanResult) -> Report:
    return Report(result, scores_of(result))


def test_the_tables_are_arrow_and_hold_every_reason(report: Report, result: ScanResult) -> None:
    reasons = sum(len(c.evidence) + sum(len(m.evidence) for m in c.roster) for c in result.campaigns)
    reasons += sum(len(group.evidence) for group in result.lookalikes)
    assert report.evidence.schema.equals(EVIDENCE_TABLE)
    assert report.evidence.num_rows == reasons
    assert report.evidence["campaign_id"].null_count == sum(len(group.evidence) for group in result.lookalikes)
    assert report.accounts.num_rows == scores_of(result).num_rows


def test_the_timeline_figure_adds_up_to_the_campaign(report: Report) -> None:
    campaign = report.campaigns[0]
    figure = report.timeline(campaign.campaign_id)
    stacked = sum(sum(trace.y) for trace in figure.data if trace.type == "bar")
    assert stacked == sum(point.exchanges for point in campaign.timeline)
    notes = " ".join(note.text for note in figure.layout.annotations)
    assert "still-4: first seen in these logs" in notes
    assert "47%" in notes


def test_the_waterfall_figure_keeps_the_axes_apart(report: Report) -> None:
    figure = report.waterfall("c-hydra-7f3a")
    assert [trace.y[-1] for trace in figure.data] == [18.4, 12.1]
    for trace in figure.data:
        assert sum(trace.y[:-1]) == pytest.approx(trace.y[-1])
        assert trace.measure[-1] == "total"


def test_the_graph_and_mix_are_drawn(report: Report) -> None:
    assert len(report.graph("c-hydra-7f3a").data[2].x) == 66
    assert sum(report.capabilities("c-hydra-7f3a").data[0].x) == pytest.approx(1)
    assert len(report.graph("c-solo-0b21").data[2].x) == 0
    assert len(report.capabilities("c-pool-11c0").data[0].x) == 0


def test_figures_of_hostile_campaigns_hold_no_markup(hostile: ScanResult) -> None:
    report = Report(hostile, scores_of(hostile))
    wanted = report.campaigns[0].campaign_id
    for figure in (report.timeline(wanted), report.waterfall(wanted), report.graph(wanted)):
        text = figure.to_json().replace("\\u003c", "<").replace("\\u003e", ">")
        assert "<a href" not in text
        assert "<script" not in text
        assert "<b>" not in text


def test_an_unknown_campaign_is_answered_with_the_known(report: Report) -> None:
    with pytest.raises(InputError, match="c-hydra-7f3a"):
        report.timeline("c-none")


def test_a_report_explains_saves_and_shows_itself(report: Report, tmp_path: Path) -> None:
    assert isinstance(report.explain("c-solo-0b21"), CampaignExplanation)
    report.save(tmp_path)
    assert read_scan(tmp_path) == report.result
    assert "c-hydra-7f3a" in report._repr_html_()
    assert "2 extraction campaigns" in repr(report)


def test_an_empty_report_shows_itself_too(empty: ScanResult) -> None:
    report = Report(empty, scores_of(empty))
    assert report.campaigns == []
    assert report.evidence.num_rows == 0
    assert "No campaign was found" in report._repr_html_()


def test_the_order_of_campaigns_does_not_matter() -> None:
    one = result_of(hydra(), resale_pool(), loner())
    other = result_of(loner(), resale_pool(), hydra())
    assert Report(one, scores_of(one)).result == Report(other, scores_of(other)).result
