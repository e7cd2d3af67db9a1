"""The documents are true: their code runs, their links lead somewhere, their commands and options exist."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import msgspec
import pytest
from docs_reader import anchors, blocks, code_lines, links

from stillwatch import tables
from stillwatch.arena.operator import load_operator
from stillwatch.arena.policy import Policy, load_policy
from stillwatch.config import Config, load_config
from stillwatch.ingest import formats

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
COMMAND = re.compile(r"(?:^|[\s/])stillwatch ([a-z]+)\b(?P<rest>[^|;]*)")
OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]*")

documents = pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))


def environment() -> dict[str, str]:
    """This interpreter's commands first, so that documents may say plainly ``stillwatch`` and ``python``."""
    here = str(Path(sys.executable).parent)
    return {**os.environ, "PATH": f"{here}{os.pathsep}{os.environ.get('PATH', '')}"}


def run_in_order(document: Path, folder: Path) -> int:
    """Run all marked blocks as a reader would: shell and Python in turn, Python names kept between blocks."""
    program = ["import subprocess"]
    marked = [block for block in blocks(document) if block.run]
    for block in marked:
        where = f"{document.name}:{block.line}"
        if block.language == "bash":
            program.append(f"subprocess.run(['bash', '-euo', 'pipefail', '-c', {block.text!r}], check=True)")
        else:
            assert block.language == "python", f"{where}: no way to run {block.language!r}"
            program.append(f"exec(compile({block.text!r}, {where!r}, 'exec'), globals())")
    script = folder / "run_document.py"
    script.write_text("\n".join(program))
    done = subprocess.run(
        [sys.executable, script.name], cwd=folder, env=environment(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{document.name}:\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}"
    return len(marked)


def commands_in(document: Path) -> dict[str, set[str]]:
    """Commands of ``stillwatch`` that a document names, each with the options it shows."""
    found: dict[str, set[str]] = {}
    for line in code_lines(document):
        for match in COMMAND.finditer(line.split("#")[0]):
            found.setdefault(match[1], set()).update(OPTION.findall(match["rest"]))
    return found


def help_of(*words: str) -> str:
    command = ["stillwatch", *words, "--help"]
    done = subprocess.run(command, env=environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"stillwatch {' '.join(words)} --help: {done.stderr}"
    return done.stdout


def test_documents_that_messages_point_to_exist() -> None:
    sources = [path for path in (ROOT / "src").rglob("*.py") if "docs/" in path.read_text(encoding="utf-8")]
    named = {name for path in sources for name in re.findall(r"\bdocs/[\w/.-]+\.md", path.read_text(encoding="utf-8"))}
    assert {name for name in named if not (ROOT / name).exists()} == set()


def test_the_configurations_in_documents_load_and_the_first_holds_every_default(tmp_path: Path) -> None:
    texts = [block.text for block in blocks(ROOT / "docs" / "operate.md") if block.language == "toml"]
    loaded: list[Config] = []
    for text in texts:
        (tmp_path / "stillwatch.toml").write_text(text)
        loaded.append(load_config(tmp_path / "stillwatch.toml"))
    assert loaded[0] == Config()
    shown = tomllib.loads(texts[0])
    # those of the service are shown in docs/live.md, see test_live_docs
    every: dict[str, dict[str, object]] = msgspec.to_builtins(Config())
    assert {table: set(keys) for table, keys in shown.items()} == {
        table: set(every[table]) for table in ("ingest", "detection")
    }


def test_every_format_and_column_is_documented() -> None:
    page = (ROOT / "docs" / "formats.md").read_text(encoding="utf-8")
    names = [*tables.EXCHANGES.names, *tables.ACCOUNTS.names, *(item.name for item in formats.BUILTIN)]
    assert [name for name in names if f"`{name}`" not in page] == []


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text().splitlines()) <= 120


@documents
def test_links_between_documents_lead_somewhere(document: Path) -> None:
    for target in links(document):
        if "://" in target or target.startswith("mailto:"):
            continue
        name, _, anchor = target.partition("#")
        goal = (document.parent / name).resolve() if name else document
        assert goal.exists(), f"{document.name}: {target} leads nowhere"
        if anchor:
            assert anchor in anchors(goal), f"{document.name}: {target}: no such heading"


@documents
def test_python_in_documents_compiles(document: Path) -> None:
    for block in blocks(document):
        if block.language == "python":
            compile(block.text, f"{document.name}:{block.line}", "exec")


@documents
def test_make_targets_in_documents_exist(document: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
    named = {name for line in code_lines(document) for name in re.findall(r"^make ([a-z-]+)", line)}
    assert named <= targets


def test_the_readme_starts_with_its_two_commands() -> None:
    named = {name for line in code_lines(ROOT / "README.md") for name in re.findall(r"^make ([a-z-]+)", line)}
    assert {"demo", "test"} <= named


@pytest.mark.slow
def test_every_command_and_option_in_the_documents_exists() -> None:
    wanted: dict[str, set[str]] = {}
    for document in DOCUMENTS:
        for command, options in commands_in(document).items():
            wanted.setdefault(command, set()).update(options)
    assert {"scan", "inspect", "explain", "compose", "demo"} <= wanted.keys()
    for command, options in sorted(wanted.items()):
        shown = help_of(command)
        for option in sorted(options):
            assert re.search(rf"{option}(?![\w-])", shown), f"stillwatch {command} has no option {option}"


def test_the_examples_of_the_concepts_run(tmp_path: Path) -> None:
    assert run_in_order(ROOT / "docs" / "concepts.md", tmp_path) >= 5


@pytest.mark.slow
def test_the_examples_of_the_formats_run(tmp_path: Path) -> None:
    assert run_in_order(ROOT / "docs" / "formats.md", tmp_path) >= 2


@pytest.mark.slow
def test_the_tutorial_runs_from_an_empty_directory(tmp_path: Path) -> None:
    assert run_in_order(ROOT / "docs" / "tutorial.md", tmp_path) >= 8


def test_the_operator_and_the_policy_of_the_arena_load(tmp_path: Path) -> None:
    policy, operator = (block.text for block in blocks(ROOT / "docs" / "arena.md") if block.language == "toml")
    (tmp_path / "policy.toml").write_text(policy)
    (tmp_path / "operator.toml").write_text(operator)
    assert load_policy(str(tmp_path / "policy.toml")).rules
    shown = load_operator(str(tmp_path / "operator.toml")).operator
    assert set(tomllib.loads(policy)) == set(Policy.__struct_fields__)
    # stock and stretch are told of in words
    assert set(tomllib.loads(operator)["reactions"]) >= set(type(shown.reactions).__struct_fields__) - {
        "stock",
        "stretch",
    }


@pytest.mark.slow
def test_the_examples_of_the_arena_run(tmp_path: Path) -> None:
    assert run_in_order(ROOT / "docs" / "arena.md", tmp_path) >= 1
