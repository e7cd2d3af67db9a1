"""What a policy may say, and what is said to whoever wrote one that may not."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from known_standings import LADDER, policy_of

from stillwatch.authored import Problem, parse
from stillwatch.errors import ConfigError
from stillwatch.model import ACTIONS, CAPABILITIES, Verdict
from stillwatch.policy.compile import check_policy, compile_policy, load_policy, shipped
from stillwatch.policy.rules import INVERSES, Capability

GOLDEN = Path(__file__).parents[1] / "golden" / "policy"
RULE = 'version = "x"\n[[rules]]\nname = "r"\n'


def said(text: str) -> list[str]:
    return [str(problem) for problem in check_policy(text, "p.toml")]


def doubted(text: str) -> list[str]:
    return [str(problem) for problem in compile_policy(text, "p.toml")[1]]


@pytest.mark.parametrize("name", ["values", "contradictions"])
def test_every_error_is_found_at_once_with_file_and_key(name: str) -> None:
    written = said((GOLDEN / f"{name}.toml").read_text(encoding="utf-8"))
    assert written == (GOLDEN / f"{name}.txt").read_text(encoding="utf-8").splitlines()


def test_what_is_doubtful_is_said_and_does_not_refuse() -> None:
    written = doubted((GOLDEN / "doubts.toml").read_text(encoding="utf-8"))
    assert written == (GOLDEN / "doubts.txt").read_text(encoding="utf-8").splitlines()


def test_a_refused_policy_raises_one_error_that_names_the_file_and_everything_wrong() -> None:
    with pytest.raises(ConfigError) as raised:
        compile_policy(RULE + 'action = "denny"\nmin_confidence = 2\n', "p.toml")
    assert str(raised.value) == (
        "p.toml: rules.r.action: unknown value denny, did you mean deny?; rules.r.min_confidence: 2 is not within 0..1"
    )


@pytest.mark.parametrize("text", ["version = ", 'version = "a"\nversion = "b"'])
def test_what_is_not_toml_is_an_error_with_the_file(text: str) -> None:
    with pytest.raises(ConfigError, match=r"^p\.toml: not valid TOML"):
        compile_policy(text, "p.toml")


@pytest.mark.parametrize("verdicts", ['["coordinated"]', '["extraction", "coordinated"]'])
def test_coordination_alone_never_bans(verdicts: str) -> None:
    (problem,) = said(f'{RULE}action = "deny"\nverdicts = {verdicts}\n')
    assert "coordination alone never bans" in problem
    assert said(f'{RULE}action = "challenge"\nverdicts = {verdicts}\n') == []


@pytest.mark.parametrize("action", ACTIONS)
def test_accounts_that_are_merely_linked_are_only_observed(action: str) -> None:
    more = "throttle_per_h = 5\n" if action == "throttle" else ""
    found = said(f'{RULE}action = "{action}"\nwho = ["accused", "possible"]\n{more}')
    assert bool(found) == (action != "observe"), found


def test_a_rule_that_says_nothing_takes_the_defaults() -> None:
    text = 'version = "x"\n[defaults]\nmin_confidence = 0.7\nduration_h = 5\ncap = {accounts = 3}\njitter_s = 0\n'
    rules = '[[rules]]\nname = "r"\naction = "deny"\n[[rules]]\nname = "s"\naction = "deny"\nmin_confidence = 0.0\n'
    left, own = policy_of(text + rules).rules
    assert (left.min_confidence, left.duration_h, left.cap.accounts, left.jitter_s) == (0.7, 5.0, 3, 0.0)
    assert own.min_confidence == 0.0  # zero is said, not left out


def test_a_version_is_named_by_what_it_does_not_by_how_it_is_written() -> None:
    same = "# a comment\n" + LADDER.replace('version = "ladder"', 'version    =   "ladder"')
    assert policy_of(same).digest == policy_of(LADDER).digest
    assert policy_of(LADDER.replace("0.97", "0.98")).digest != policy_of(LADDER).digest
    assert policy_of(LADDER.replace('"ladder"', '"other"')).digest != policy_of(LADDER).digest


@pytest.mark.parametrize("name", ["cautious", "observe", "standard"])
def test_shipped_policies_compile_without_a_doubt(name: str) -> None:
    policy, doubts = load_policy(name)
    assert doubts == ()
    assert policy.version == f"{name}-1"
    assert policy.description


def test_the_shipped_policies_are_what_they_are_called() -> None:
    kinds = {name: {rule.action for rule in load_policy(name)[0].rules} for name in shipped()}
    assert kinds["observe"] == {"observe"}
    assert "deny" not in kinds["cautious"]
    assert kinds["standard"] == set(ACTIONS)


def test_defaults_stated_in_shipped_policies_are_those_of_the_code() -> None:
    from stillwatch.policy.rules import Budget, Defaults, Total

    structs, current, checked = {"[defaults]": Defaults(), "[cap]": Total(), "[disarm]": Budget()}, None, 0
    for line in (line for name in shipped() for line in shipped()[name].read_text(encoding="utf-8").splitlines()):
        if line.startswith("["):
            current = structs.get(line.split(" #")[0])
        said = re.search(r"\(default ([0-9.]+)\)", line)
        if current is not None and said is not None:
            assert float(said[1]) == getattr(current, line.split(" = ")[0]), line
            checked += 1
    assert checked >= 20


def test_an_unknown_policy_names_the_shipped_ones() -> None:
    with pytest.raises(ConfigError, match="cautious, observe, standard"):
        load_policy("nowhere.toml")


def test_every_action_says_what_undoing_it_restores() -> None:
    assert set(INVERSES) == set(ACTIONS)
    assert policy_of(LADDER).rules[0].inverse.startswith("the account is let in again")


def test_capabilities_of_rules_are_those_of_campaigns() -> None:
    from typing import get_args

    assert get_args(Capability) == CAPABILITIES
    assert set(get_args(Verdict)) == {"extraction", "resale", "coordinated"}


def test_a_problem_reads_as_one_line() -> None:
    assert str(Problem(file="f", key="", says="is odd")) == "f: is odd"
    assert parse("a = 1", "f") == {"a": 1}
