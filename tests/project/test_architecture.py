"""Data flows one way: the import contracts of pyproject.toml hold, and the check notices when they do not."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def lint_imports(root: Path) -> subprocess.CompletedProcess[str]:
    start = (
        f"import sys; sys.path.insert(0, {str(root / 'src')!r}); "
        "from importlinter.cli import lint_imports_command; lint_imports_command(['--no-cache'])"
    )
    return subprocess.run([sys.executable, "-c", start], cwd=root, capture_output=True, text=True, check=False)


def test_imports_follow_the_direction_of_the_data() -> None:
    done = lint_imports(ROOT)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("module", "line"),
    [
        ("tables.py", "import stillwatch.tally"),
        ("tally/__init__.py", "import stillwatch.report"),
        ("text/__init__.py", "import stillwatch.ingest"),
    ],
)
def test_an_import_against_the_flow_is_noticed(tmp_path: Path, module: str, line: str) -> None:
    shutil.copytree(ROOT / "src", tmp_path / "src", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    broken = tmp_path / "src" / "stillwatch" / module
    broken.write_text(f"{broken.read_text()}\n{line}\n")
    done = lint_imports(tmp_path)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "BROKEN" in done.stdout
