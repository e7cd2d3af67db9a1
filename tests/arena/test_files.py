"""Operators and policies are files: shipped ones load, written ones load back, wrong ones are one clear line."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest
from played_runs import Scripted, nobody, operator, run, setting

from stillwatch.arena.conduct import Reactions
from stillwatch.arena.loop import play
from stillwatch.arena.operator import Operator, as_toml, load_operator, shipped
from stillwatch.arena.policy import Policy, Rule, decide, load_policy
from stillwatch.arena.search import search
from stillwatch.arena.yields import Outcome
from stillwatch.cli.app import main
from stillwatch.errors import ConfigError
from stillwatch.model import Campaign, Member

ASKED = {
    "static", "replace_with_lag", "rotate_infrastructure", "split_and_slow", "blend_and_paraphrase", "aged_accounts",
    "one_domain", "sleeper", "everything",
}  # fmt: skip


def test_the_operators_asked_for_are_shipped_and_go_by_their_file_names() -> None:
    assert shipped().keys() >= ASKED
    for name in shipped():
        assert load_operator(name).operator.name == name


def test_an_operator_survives_being_written_down(tmp_path: Path) -> None:
    then = Reactions(replace=0.5, rotate=("addresses", "email"), sleep="release", paraphrase=True)
    written = operator(then, money=12.5, blend=0.25)
    (tmp_path / "mine.toml").write_text(as_toml(written))
    assert load_operator(str(tmp_path / "mine.toml")).operator == written
    for name in shipped():
        (tmp_path / "again.toml").write_text(as_toml(load_operator(name).operator))
        assert load_operator(str(tmp_path / "again.toml")).operator == load_operator(name).operator


def test_a_python_file_may_decide_for_itself(tmp_path: Path) -> None:
    (tmp_path / "bold.py").write_text(
        "from stillwatch.arena.conduct import Orders\n"
        "from stillwatch.arena.operator import Budget, Harvest, Operator\n"
        "OPERATOR = Operator(name='bold', says='opens one more each time it looks',\n"
        "    harvest=Harvest(exchanges=60, accounts=6), budget=Budget(accounts=8, money=500.0))\n"
        "def react(reactions, news):\n"
        "    return Orders(replace=1, ready_s=news.at_s, pace=0.5 if news.at_s < 30_000 else 1.0)\n"
    )
    found = play(load_operator(str(tmp_path / "bold.py")), Scripted(nobody), setting())
    assert found.accounts_opened > 6
    assert max(period.live for period in found.periods) <= 8


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("name = ", "not valid TOML"),
        ('name = "x"', "missing required field"),
        ("{good}\n[reactions]\nreplaces = 1.0", "replaces"),
        ("{good}\n[reactions]\nrotate = ['adresses']", "adresses"),
        ("{good}\n[reactions]\nslow = 0.0", "slow"),
        ("{axes}\nweather = 'fine'", "weather"),
        ("{good}\n[prices]\naddress = -1.0", "prices"),
    ],
)
def test_a_wrong_operator_is_one_line(
    text: str, expected: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good = 'name = "x"\nsays = ""\n[budget]\naccounts = 3\nmoney = 1.0\n[harvest]\nexchanges = 9\naccounts = 3\n'
    (tmp_path / "x.toml").write_text(text.replace("{good}", good).replace("{axes}", good + "[harvest.axes]"))
    assert expected in refusal(capsys, "--operator", tmp_path / "x.toml", "--out", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_wrong_value_of_an_axis_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    written = as_toml(operator(blend=0.1)).replace("blend = 0.1", 'blend = "much"')
    (tmp_path / "x.toml").write_text(written)
    words = ("--operator", tmp_path / "x.toml", "--days", 2, "--scale", 0.02, "--policy", "off")
    assert "blend" in refusal(capsys, *words, "--out", tmp_path / "out")


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("--operator", "statik", "--out", "out"), "did you mean static"),
        (("--operator", "gone.toml", "--out", "out"), "no such file"),
        (("--policy", "gone.toml", "--out", "out"), "no such policy"),
        (("--days", "1", "--out", "out"), "--days"),
        (("--scale", "0", "--out", "out"), "--scale"),
        (("--search", "0", "--out", "out"), "--search"),
        (("--seed", "1"), "--out"),
    ],
)
def test_wrong_arguments_are_one_line(
    words: tuple[str, ...], expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert expected in refusal(capsys, *words)
    assert not Path("out").joinpath("arena.json").exists()


@pytest.mark.parametrize(
    ("text", "expected"),
    [("rules = 3", "rules"), ("window_days = 0.0", "window_days"), ("[[rules]]\naction = 'shame'", "shame")],
)
def test_a_wrong_policy_is_one_line(
    text: str, expected: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "policy.toml").write_text(text)
    words = ("--operator", "static", "--policy", tmp_path / "policy.toml", "--out", tmp_path / "out")
    assert expected in refusal(capsys, *words)


def refusal(capsys: pytest.CaptureFixture[str], *words: object) -> str:
    """The one line a refused command leaves on standard error."""
    assert main(["arena", *(str(word) for word in words)]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.count("\n") == 1, said.err
    assert said.err.startswith("stillwatch: ")
    return said.err


def campaign(confidence: float, *members: tuple[str, float, bool], verdict: str = "extraction") -> Campaign:
    when = "2026-03-02T00:00:00Z"
    roster = [
        {
            "platform": "api", "account_id": name, "probability": probability, "accused": accused, "exchanges": 1,
            "harvest_exchanges": 1, "first_seen": when, "last_seen": when,
        }
        for name, probability, accused in members
    ]  # fmt: skip
    raw = {
        "campaign_id": f"campaign-{confidence}", "verdict": verdict, "confidence": confidence, "roster": roster,
        "exchanges": 1, "extraction_exchanges": 1, "first_seen": when, "last_seen": when, "platforms": {}, "models": {},
        "capabilities": {}, "model_pivots": [], "evidence": [], "operator_bits": 1.0, "harvest_bits": 1.0,
    }  # fmt: skip
    assert all(msgspec.convert(member, Member) for member in roster)
    return msgspec.convert(raw, Campaign)


def test_the_strongest_rule_that_holds_decides_and_possible_members_are_left_alone() -> None:
    policy = load_policy("standard")
    sure = campaign(0.99, ("a", 0.95, True), ("b", 0.75, True), ("c", 0.55, True), ("d", 0.99, False))
    found = {item.account_id: item.action for item in decide(policy, (sure,))}
    assert found == {"a": "close", "b": "challenge", "c": "throttle", "d": "observe"}
    resale = campaign(0.99, ("a", 0.99, True), verdict="resale")
    assert [item.action for item in decide(policy, (resale,))] == ["observe"]
    both = decide(policy, (resale, sure))
    assert {item.account_id: item.action for item in both}["a"] == "close"
    assert decide(load_policy("off"), (sure,)) == []


def test_raising_a_rule_never_touches_more() -> None:
    found = campaign(0.93, ("a", 0.95, True), ("b", 0.6, True))
    counts = [
        len(decide(Policy(rules=(Rule(action="close", min_probability=least),)), (found,)))
        for least in (0.5, 0.7, 0.99)
    ]
    assert counts == [2, 1, 0]


def test_a_search_is_repeatable_and_sorted() -> None:
    pytest.importorskip("optuna")
    start, whole = load_operator("static").operator, run(operator(), Scripted(nobody))

    def easy(tried: Operator) -> Outcome:
        return msgspec.structs.replace(whole, harvested=round(tried.reactions.slow, 1), spent=tried.reactions.sleep_h)

    first, second = (search(start, 6, 3, easy) for _ in range(2))
    assert first == second
    ranks = [(-item.harvested, item.spent) for item in first]
    assert ranks == sorted(ranks)
    assert len({item.operator.name for item in first}) == 6


def test_a_search_without_the_extra_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "optuna", None)
    with pytest.raises(ConfigError, match=r"stillwatch\[arena\]"):
        search(load_operator("static").operator, 2, 1, lambda _: run(operator(), Scripted(nobody)))


def test_the_list_names_every_operator(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["arena", "--list"]) == 0
    said = capsys.readouterr().out
    assert all(name in said for name in shipped())


@pytest.mark.slow
def test_a_run_with_real_scans_is_repeatable_and_enforcement_costs_the_operator(tmp_path: Path) -> None:
    words = ["arena", "--operator", "static", "--days", "8", "--scale", "0.4", "--seed", "3"]
    for name in ("one", "two"):
        assert main([*words, "--out", str(tmp_path / name)]) == 0
    assert main([*words, "--policy", "off", "--out", str(tmp_path / "off")]) == 0
    for file in ("arena.json", "arena.md"):
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()
    got = [json.loads((tmp_path / name / "arena.json").read_text())["outcomes"][0] for name in ("one", "off")]
    assert got[1]["harvested"] == 1.0
    assert got[1]["honest_touched"] == 0
    assert got[0]["harvested"] < 1.0


@pytest.mark.slow
def test_a_search_leaves_the_worst_as_a_scenario(tmp_path: Path) -> None:
    pytest.importorskip("optuna")
    words = ["--operator", "static", "--days", "4", "--scale", "0.1", "--search", "2", "--out", str(tmp_path)]
    assert main(["arena", *words]) == 0
    worst = load_operator(str(tmp_path / "worst.toml")).operator
    runs = json.loads((tmp_path / "arena.json").read_text())
    assert [found["operator"] for found in runs["outcomes"]] == ["static", worst.name]
    tried = json.loads((tmp_path / "search.json").read_text())
    assert runs["outcomes"][1]["harvested"] == tried[0]["harvested"]
