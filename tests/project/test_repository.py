"""What must hold of the repository's files themselves: nothing of one machine, nothing unpinned, nothing undeclared.

Knows nothing of what the code does.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
REQUIREMENTS = sorted((ROOT / "requirements").glob("*.txt"))

# Written in pieces, so that this file does not hold what it forbids.
REGISTRY_HOSTS = tuple(
    ".".join(parts)
    for parts in (
        ("pypi", "org"),
        ("files", "pythonhosted", "org"),
        ("test", "pypi", "org"),
        ("registry", "npmjs", "org"),
        ("deb", "debian", "org"),
        ("conda", "anaconda", "org"),
    )
)
MACHINE_PATH = re.compile(r"(?<![\w.:-])/(?:work|root|farm|home/[a-z]+|Users/[A-Za-z]+)/")
PIN = re.compile(r"^[A-Za-z0-9._\[\],-]+==[^\s;]+(?: ; [^\\]+)?$")


def tracked_files() -> list[Path]:
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("not a git checkout: which files belong to the project is unknown")
    listing = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return [path for name in listing.split("\0") if name and (path := ROOT / name).is_file()]


def lines_holding(pattern: re.Pattern[str]) -> list[str]:
    found: list[str] = []
    for path in tracked_files():
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        for number, line in enumerate(text.splitlines(), 1):
            if pattern.search(line):
                found.append(f"{path.relative_to(ROOT)}:{number}: {line.strip()[:100]}")
    return found


def requirements_of(path: Path) -> list[tuple[str, list[str]]]:
    """Every requirement of a compiled file with its hashes; continuation lines are joined first."""
    joined = re.sub(r"\\\n\s*", " ", path.read_text())
    rows: list[tuple[str, list[str]]] = []
    for line in filter(None, (row.strip() for row in joined.splitlines())):
        requirement, *hashes = re.split(r"\s+--hash=", line)
        rows.append((requirement.strip(), hashes))
    return rows


def test_no_file_holds_a_path_of_one_machine() -> None:
    assert lines_holding(MACHINE_PATH) == []


def test_no_file_names_a_package_registry() -> None:
    assert lines_holding(re.compile("|".join(map(re.escape, REGISTRY_HOSTS)))) == []


def test_no_lock_file_that_records_download_addresses() -> None:
    names = {path.name for path in tracked_files()}
    assert names.isdisjoint({"uv.lock", "poetry.lock", "Pipfile.lock", "pdm.lock", "pylock.toml"})


def test_there_is_one_requirements_file_for_each_way_to_install() -> None:
    assert [path.name for path in REQUIREMENTS] == ["build.txt", "core.txt", "dev.txt"]


@pytest.mark.parametrize("path", REQUIREMENTS, ids=lambda path: path.name)
def test_every_requirement_is_pinned_and_hashed(path: Path) -> None:
    rows = requirements_of(path)
    assert rows
    for requirement, hashes in rows:
        assert PIN.match(requirement), f"{path.name}: {requirement} is not pinned to one version"
        assert hashes, f"{path.name}: {requirement} has no hash"
        assert all(re.fullmatch(r"sha256:[0-9a-f]{64}", value) for value in hashes), requirement


@pytest.mark.parametrize("path", REQUIREMENTS, ids=lambda path: path.name)
def test_requirements_files_hold_no_addresses_and_no_options(path: Path) -> None:
    text = path.read_text()
    assert "://" not in text
    assert re.findall(r"^\s*-(?!-hash=)\S+", text, flags=re.MULTILINE) == []


def test_core_and_build_pins_agree_with_the_development_pins() -> None:
    core, build, dev = (dict(requirements_of(ROOT / f"requirements/{name}.txt")) for name in ("core", "build", "dev"))
    assert (core | build).items() <= dev.items()


def test_no_module_has_a_name_that_says_nothing() -> None:
    vague = {"utils", "util", "misc", "common", "helpers", "manager", "core"}
    assert [path for path in tracked_files() if path.suffix == ".py" and path.stem in vague] == []


def test_the_ci_script_is_executable_bash() -> None:
    script = ROOT / ".ci" / "run"
    assert script.stat().st_mode & 0o111
    assert script.read_text().startswith("#!/usr/bin/env bash\n")
    subprocess.run(["bash", "-n", str(script)], check=True)
