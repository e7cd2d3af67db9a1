"""``stillwatch explain``: what it finds, what it says, what it says when there is nothing."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pytest
from handmade_results import HOSTILE, hydra, member, result_of, scores_of

from stillwatch.cli.explain import add_parser, run
from stillwatch.errors import InputError
from stillwatch.model import ScanResult
from stillwatch.report.explain import AccountExplanation, CampaignExplanation, explain, suggestions
from stillwatch.report.serialise import write_scan


@pytest.fixture(scope="session")
def report_dir(result: ScanResult, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("report")
    write_scan(result, scores_of(result), out)
    return out


def parsed(*arguments: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_parser(parser.add_subparsers())
    return parser.parse_args(["explain", *arguments])


def told(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *arguments: str) -> str:
    monkeypatch.setenv("COLUMNS", "140")
    assert run(parsed(*arguments)) == 0
    return capsys.readouterr().out


def test_a_campaign_is_explained_with_counter_evidence_and_exchange_ids(
    report_dir: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    out = told(capsys, monkeypatch, "c-hydra-7f3a", "--report", str(report_dir))
    for needed in (
        "Campaign c-hydra-7f3a: extraction",
        "These 60 accounts are run by one party and harvest reasoning (62%)",
        "60 accounts and 6 linked, not accused",
        "Run by one party?  +18.4 bits",
        "Harvesting training data?  +12.1 bits",
        "one list of 9,400 prompts is split without overlap",
        "activity follows five time zones, not one shift",
        "\u22122.3",
        "before anything was measured, and small reasons",
        "ex-payment.shared-0002",
        "and 14 more (--json)",
        "Strongest links",
        "same payment card",
    ):
        assert needed in out, needed


def test_an_account_is_explained_with_its_campaign_own_evidence_and_neighbours(
    report_dir: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    out = told(capsys, monkeypatch, "api/hy-0003", "--report", str(report_dir))
    for needed in (
        "A member of campaign c-hydra-7f3a (extraction) with probability 0.93.",
        "closed 2026-03-08 03:00",
        "its own evidence",
        "pays with card 0",
        "the account is older than the campaign",
        "ex-wrapper.own-0001",
        "Nearest accounts",
        "api/hy-0003 and bedrock/hy-0004",
    ):
        assert needed in out, needed


def test_a_linked_account_is_said_not_to_be_accused(
    report_dir: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    out = told(capsys, monkeypatch, "near-0001", "--report", str(report_dir))
    assert "not accused: nothing is to be done to it" in out
    assert "A member of" not in out


def test_a_cleared_account_is_told_the_group_it_was_considered_in(
    report_dir: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    out = told(capsys, monkeypatch, "class-003", "--report", str(report_dir))
    assert "In no campaign." in out
    assert "Considered and let go" in out
    assert "a class of 34 on one campus network" in out
    quiet = told(capsys, monkeypatch, "quiet-0001", "--report", str(report_dir))
    assert "In no campaign." in quiet
    assert "Considered" not in quiet


def test_json_carries_the_whole_explanation(
    report_dir: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    value = json.loads(told(capsys, monkeypatch, "hy-0003", "--report", str(report_dir), "--json"))
    assert value["member"]["account_id"] == "hy-0003"
    assert value["campaign"]["campaign_id"] == "c-hydra-7f3a"
    assert value["standing"]["coordination_bits"] == 4.25
    whole = json.loads(told(capsys, monkeypatch, "c-hydra-7f3a", "--report", str(report_dir), "--json"))
    assert max(len(item["exchange_ids"]) for item in whole["campaign"]["evidence"]) == 20


@pytest.mark.parametrize(
    ("wanted", "suggested"),
    [
        ("c-hydra-7f3b", "c-hydra-7f3a"),
        ("api/pooI-0001", "api/pool-0001"),
        ("quiet-0002", "api/quiet-0001"),
        ("HY-0001", "api/hy-0001"),
        ("class-0033", "api/class-003"),
    ],
)
def test_an_unknown_id_is_answered_with_the_nearest(wanted: str, suggested: str, report_dir: Path) -> None:
    with pytest.raises(InputError, match="no campaign or account is called") as caught:
        run(parsed(wanted, "--report", str(report_dir)))
    assert suggested in caught.value.hint
    assert caught.value.exit_code == 2


def test_an_id_like_no_other_is_told_where_to_look(result: ScanResult, scores: pa.Table) -> None:
    assert suggestions(result, scores, "\u4e2d\u6587") == []
    with pytest.raises(InputError, match=r"accounts\.parquet"):
        explain(result, scores, "\u4e2d\u6587")


def test_an_account_id_on_two_platforms_must_be_told_apart() -> None:
    twins = msgspec.structs.replace(
        hydra(size=3, possible=0), roster=tuple(member(1, "twin", platform=p) for p in ("api", "vertex")), links=(),
        successions=(),
    )  # fmt: skip
    result = result_of(twins)
    with pytest.raises(InputError, match="names 2 accounts") as caught:
        explain(result, scores_of(result), "twin-0001")
    assert "api/twin-0001, vertex/twin-0001" in caught.value.hint
    found = explain(result, scores_of(result), "vertex/twin-0001")
    assert isinstance(found, AccountExplanation)
    assert found.platform == "vertex"


def test_an_account_in_two_campaigns_is_explained_by_the_one_that_accuses_it() -> None:
    one, other = hydra(campaign_id="c-1"), hydra(campaign_id="c-2")
    linked = tuple(msgspec.structs.replace(m, accused=False, probability=0.3) for m in one.roster)
    result = result_of(msgspec.structs.replace(one, roster=linked), other)
    found = explain(result, scores_of(other_only := result_of(other)), "api/hy-0000")
    assert isinstance(found, AccountExplanation)
    assert found.campaign is not None
    assert found.campaign.campaign_id == other_only.campaigns[0].campaign_id


def test_nearest_accounts_are_seen_from_the_account_and_strongest_first(result: ScanResult, scores: pa.Table) -> None:
    found = explain(result, scores, "api/hy-0003", nearest=4)
    assert len(found.nearest) == 4
    assert {one.left for one in found.nearest} == {"api/hy-0003"}
    strengths = [one.bits for one in found.nearest]
    assert strengths == sorted(strengths, reverse=True)


@pytest.mark.parametrize("wanted", HOSTILE)
def test_hostile_ids_are_found_and_printed_without_effect(
    wanted: str,
    hostile: ScanResult,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found: Any = explain(hostile, scores_of(hostile), wanted)
    assert isinstance(found, CampaignExplanation if wanted == HOSTILE[1] else AccountExplanation)
    write_scan(hostile, scores_of(hostile), tmp_path)
    monkeypatch.setenv("FORCE_COLOR", "")
    out = told(capsys, monkeypatch, wanted, "--report", str(tmp_path))
    assert not set(out) & {"\x1b", "\x07", "\x00", "\u202e", "\u200b"}
    assert "[bold red]markup[/]" in out


def test_help_shows_examples_and_exit_codes(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parsed("--help")
    out = capsys.readouterr().out
    assert "examples:" in out
    assert "exit codes: 0 explained, 2 no such id" in out
