"""Secrets come from the environment or from a file that not everybody reads."""

from __future__ import annotations

from pathlib import Path

import pytest

from stillwatch.access.secrets import LONGEST, resolve_secret
from stillwatch.errors import ConfigError

WHERE = "stillwatch.toml: serve.secret"


def kept(tmp_path: Path, content: bytes = b"s3cret\n", mode: int = 0o600) -> Path:
    path = tmp_path / "secret"
    path.write_bytes(content)
    path.chmod(mode)
    return path


def test_a_secret_is_read_from_the_environment_and_from_a_file(tmp_path: Path) -> None:
    assert resolve_secret("env:KEY", where=WHERE, environ={"KEY": "a:b "}) == "a:b "
    assert resolve_secret(f"file:{kept(tmp_path)}", where=WHERE) == "s3cret"
    assert resolve_secret(f"file:{kept(tmp_path, b'a b', 0o640)}", where=WHERE) == "a b"


@pytest.mark.parametrize("reference", ["s3cret", "", "env:", "file:", "vault:x", ":x", "ENV:KEY"])
def test_a_secret_written_into_the_configuration_is_refused_and_not_repeated(reference: str) -> None:
    with pytest.raises(ConfigError, match="does not stand in the configuration") as told:
        resolve_secret(reference, where=WHERE, environ={})
    assert str(told.value).startswith(WHERE)
    assert "s3cret" not in str(told.value)


@pytest.mark.parametrize("mode", [0o604, 0o644, 0o602, 0o666, 0o444])
def test_a_file_that_everybody_may_read_or_change_is_refused(tmp_path: Path, mode: int) -> None:
    with pytest.raises(ConfigError, match="everybody may read or change") as told:
        resolve_secret(f"file:{kept(tmp_path, mode=mode)}", where=WHERE)
    assert "s3cret" not in str(told.value)


@pytest.mark.parametrize(
    ("content", "says"), [(b"\n", "is empty"), (b"\xff\xfe", "not UTF-8"), (b"x" * (LONGEST + 1), "longer")]
)
def test_a_file_that_holds_no_secret_is_refused(tmp_path: Path, content: bytes, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        resolve_secret(f"file:{kept(tmp_path, content)}", where=WHERE)


def test_what_is_not_there_or_no_file_is_refused(tmp_path: Path) -> None:
    for reference, says in (
        ("env:NOPE", "has no NOPE"),
        (f"file:{tmp_path}/nope", "No such file"),
        (f"file:{tmp_path}", "directory"),
        ("file:secret", "not an absolute path"),
        ("env:EMPTY", "is empty"),
    ):
        with pytest.raises(ConfigError, match=says):
            resolve_secret(reference, where=WHERE, environ={"EMPTY": " "})
