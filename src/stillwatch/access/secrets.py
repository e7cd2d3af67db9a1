"""Secrets come from the environment or from files, never from the configuration itself.

``env:NAME`` names a variable, ``file:/path`` a file that not everybody may read. A message never holds a secret.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from pathlib import Path

from stillwatch.errors import ConfigError

_HINT = "write env:NAME or file:/path"
LONGEST = 65_536  # bytes; a file longer than this is no secret but a mistake


def resolve_secret(reference: str, *, where: str, environ: Mapping[str, str] = os.environ) -> str:
    """What the reference stands for, without a last line break. ``where`` names file and key, for the message.

    Raises ConfigError where the reference is none, or what it names is missing, empty, or readable by everybody.
    """
    kind, colon, name = reference.partition(":")
    if not colon or kind not in {"env", "file"} or not name:
        raise ConfigError("a secret does not stand in the configuration", where=where, hint=_HINT)
    if kind == "env":
        value = environ.get(name)
        if value is None:
            raise ConfigError(f"the environment has no {name}", where=where, hint="set it, or use file:/path")
    else:
        value = _read(Path(name), where)
    if not value.strip():
        raise ConfigError(f"{reference} is empty", where=where, hint="put the secret there")
    return value


def _read(path: Path, where: str) -> str:
    if not path.is_absolute():
        raise ConfigError(f"{path} is not an absolute path", where=where, hint="write file:/path")
    try:
        # opened once: what is checked is what is read
        with path.open("rb") as file:
            state = os.fstat(file.fileno())
            if not stat.S_ISREG(state.st_mode):
                raise ConfigError(f"{path} is not a file", where=where, hint="name a file")
            if state.st_mode & (stat.S_IROTH | stat.S_IWOTH):
                raise ConfigError(f"everybody may read or change {path}", where=where, hint=f"chmod o-rwx {path}")
            read = file.read(LONGEST + 1)
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror or error}", where=where, hint="make it readable for us") from error
    if len(read) > LONGEST:
        raise ConfigError(f"{path} is longer than any secret", where=where, hint="name the right file")
    try:
        return read.decode().removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path} is not UTF-8 text", where=where, hint="name the right file") from error
