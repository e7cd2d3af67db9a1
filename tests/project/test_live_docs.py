"""The pages on the live service are true: configurations load, policies compile, routes, scopes and keys exist."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import get_args

import msgspec
import pytest
from docs_reader import blocks, code_lines, prose
from litestar.handlers import HTTPRouteHandler

from stillwatch.access.oidc import Oidc
from stillwatch.access.roles import ROLE_SCOPES, ROLES, SCOPES
from stillwatch.alerts.configure import read_alerts
from stillwatch.cli.app import COMMANDS
from stillwatch.config import Config, Enforcement, Live, Serve, load_config
from stillwatch.model import ACTIONS, Mode
from stillwatch.policy.comparison import MEASURES
from stillwatch.policy.compile import compile_policy
from stillwatch.policy.disarm import SignKind
from stillwatch.policy.rules import WrittenRule
from stillwatch.serve.app import HANDLERS
from stillwatch.sources.config import Files, Kafka, Nats
from stillwatch.sources.configure import configured

DOCS = Path(__file__).parents[2] / "docs"
LIVE, POLICY = DOCS / "live.md", DOCS / "policy.md"
PAGES = [LIVE, POLICY, DOCS / "gateways.md", DOCS / "alerts.md", DOCS / "concepts.md", DOCS / "threat-model.md"]
ROUTE = re.compile(r"(?:(GET|POST|DELETE) )?(?:https?://[\w.:-]+)?(/(?:v1/[\w/{}$.-]+|health\b|ready\b|metrics\b))")
ROW = re.compile(r"^\| (.+) \|$", re.MULTILINE)


def toml_of(page: Path) -> list[str]:
    return [block.text for block in blocks(page) if block.language == "toml"]


def rows_of(page: Path) -> list[list[str]]:
    """Cells of every row of every table."""
    return [[cell.strip() for cell in row.split(" | ")] for row in ROW.findall(prose(page))]


def first_names(page: Path) -> set[str]:
    """What stands in code in the first cell of a row."""
    return {name for row in rows_of(page) for name in re.findall(r"`([^`]+)`", row[0])}


def open_names(path: str) -> str:
    """A path with every parameter written alike, however it is called."""
    return re.sub(r"\{[^}]*\}|\$[A-Z]+", "{}", path)


def routes() -> set[tuple[str, str]]:
    """(method, path) of every handler."""
    found: set[tuple[str, str]] = set()
    for handler in HANDLERS:
        assert isinstance(handler, HTTPRouteHandler)
        found |= {(str(method), open_names(path)) for path in handler.paths for method in handler.http_methods}
    return found


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Config:
    (text,) = toml_of(LIVE)
    path = tmp_path_factory.mktemp("example") / "stillwatch.toml"
    path.write_text(text)
    return load_config(path)


def test_the_example_of_a_whole_configuration_loads(example: Config) -> None:
    sources = configured(example.sources)
    assert {type(source) for source in sources} == {Files, Nats, Kafka}
    assert read_alerts(list(example.alerts))
    assert msgspec.convert(example.oidc, Oidc).roles


def test_the_example_names_every_key_of_the_live_tables_at_its_default() -> None:
    (text,) = toml_of(LIVE)
    shown = tomllib.loads(text)
    for table, struct in {"live": Live, "serve": Serve, "policy": Enforcement}.items():
        assert set(shown[table]) == set(struct.__struct_fields__), table
    told = {"live": {"state"}, "serve": {"public_url", "snapshot_key"}, "policy": set[str]()}
    for table, others in told.items():
        for key in set(shown[table]) - others:
            assert shown[table][key] == getattr(getattr(Config(), table), key), f"{table}.{key}"


def test_every_key_is_explained(example: Config) -> None:
    known = first_names(LIVE)
    for table in ("live", "serve", "policy"):
        keys = getattr(example, table).__struct_fields__
        assert {f"{table}.{key}" for key in keys} <= known, table
    for struct in (Files, Nats, Kafka, Oidc):
        names = {field.encode_name for field in msgspec.structs.fields(struct)}
        assert names <= known, struct.__name__


def test_the_table_of_scopes_is_that_of_the_roles() -> None:
    found = {row[0].strip("`"): row[1:] for row in rows_of(LIVE) if row[0].strip("`") in SCOPES}
    assert found == {scope: ["yes" if scope in ROLE_SCOPES[role] else "-" for role in ROLES] for scope in SCOPES}
    assert ["scope", *ROLES] in rows_of(LIVE)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_route_named_exists(page: Path) -> None:
    known = routes()
    text = page.read_text(encoding="utf-8")
    for method, path in ROUTE.findall(text):
        asked = open_names(path.rstrip("./").partition("?")[0])
        there = {one for one in known if one[1] == asked and method in {"", one[0]}}
        assert there, f"{page.name}: {method} {path} is no route"


def test_the_pages_name_routes_at_all() -> None:
    assert len(ROUTE.findall(LIVE.read_text(encoding="utf-8"))) >= 20


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_named_exists(page: Path) -> None:
    named = {name for line in code_lines(page) for name in re.findall(r"(?:^|\s)stillwatch ([a-z]+)\b", line)}
    assert named <= set(COMMANDS)


def test_the_example_of_a_policy_compiles_without_a_doubt() -> None:
    (text,) = toml_of(POLICY)
    policy, doubts = compile_policy(text, "docs/policy.md")
    assert doubts == ()
    assert {"deny", "challenge", "throttle", "observe"} == {rule.action for rule in policy.rules}


def test_every_key_of_a_rule_every_action_mode_and_sign_is_explained() -> None:
    known = first_names(POLICY) | first_names(LIVE)
    assert set(WrittenRule.__struct_fields__) <= known
    assert set(ACTIONS) <= known
    assert set(get_args(Mode)) <= first_names(LIVE)
    budgets = {name for row in rows_of(POLICY) for name in re.findall(r"`([^`]+)`", " ".join(row))}
    assert set(get_args(SignKind)) <= budgets


def test_every_measure_of_a_backtest_is_told() -> None:
    page = POLICY.read_text(encoding="utf-8").lower()
    words = {word for name, *_ in MEASURES for word in re.findall(r"[a-z]+", name)}
    assert {word for word in words if word not in page} <= {"digest"}
