"""The wheel that a user installs: it holds every data file of the source tree and its command starts.

Builds with the pinned backend from this environment, so nothing is fetched.
"""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "src" / "stillwatch"
# caches of the interpreter and of compiled kernels
NOT_SHIPPED = {".pyc", ".nbi", ".nbc"}

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*command, "--no-index", "--wheel-dir", str(target), str(ROOT)], check=True)
    (built,) = target.glob("stillwatch-*.whl")
    return built


def names_in(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def test_the_wheel_holds_every_module_and_data_file(wheel: Path) -> None:
    source = {
        f"stillwatch/{path.relative_to(PACKAGE).as_posix()}"
        for path in PACKAGE.rglob("*")
        if path.is_file() and path.suffix not in NOT_SHIPPED
    }
    assert source - names_in(wheel) == set()


def test_the_wheel_holds_the_licence_and_nothing_but_the_package(wheel: Path) -> None:
    tops = {name.split("/")[0] for name in names_in(wheel)}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"stillwatch"}
    assert any(name.endswith("licenses/LICENSE") for name in names_in(wheel))


def test_the_installed_wheel_answers_help(wheel: Path, tmp_path: Path) -> None:
    target = tmp_path / "site"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(target)
    start = (
        f"import sys; sys.path.insert(0, {str(target)!r}); sys.argv = ['stillwatch', '--help']; "
        "from stillwatch import cli; assert cli.__file__.startswith(sys.path[0]), cli.__file__; "
        "from stillwatch.cli.app import main; sys.exit(main())"
    )
    done = subprocess.run([sys.executable, "-c", start], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "scan" in done.stdout
