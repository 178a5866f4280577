"""Real server processes: `trustsvc up` on a folder and a port of its own."""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests

from tests import command_server, servers, waiting
from tests.waiting import PATIENCE_S


@dataclass
class Service:
    environ: dict[str, str]
    url: str
    data: Path
    process: subprocess.Popen
    log: Path

    def command(self, *command, say=""):
        """Run one of our commands and give what it printed."""
        done = command_server.run(command, self.environ, say)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def enrol(self, platform, *more):
        shop = ("--name", "Blue Lamp", "--domain", "lamp.example", "--platform", platform)
        words = ("shop", "add", *shop, "--may-ask", "customers", "--json", *more)
        return json.loads(self.command(*words))

    def until(self, condition):
        return waiting.until(condition, self.log)

    def is_ready(self):
        try:
            return requests.get(f"{self.url}/readyz", timeout=PATIENCE_S).ok
        except requests.RequestException:
            return False

    def children(self):
        """Give the names and ids of the processes under `trustsvc up`, with the worker's child."""
        found, others = {}, {}
        for stat in Path("/proc").glob("[0-9]*/stat"):
            try:
                parent = int(stat.read_text().rpartition(")")[2].split()[1])
                words = (stat.parent / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if parent == self.process.pid:
                found[process_name(words)] = int(stat.parent.name)
            elif words[0] == b"trustsvc privacy-worker":
                others[parent] = int(stat.parent.name)
        found.pop("", None)
        if found.get("worker") in others:
            found["privacy-worker"] = others[found["worker"]]
        return found


def process_name(words):
    """Name a process under `trustsvc up` by its title; none that ended or was just forked."""
    title = words[0].decode()
    if title.startswith("trustsvc "):
        return title.split()[1]
    return "redis" if "-server" in title else ""


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


@contextlib.contextmanager
def _environ(place, database, request):
    environ = {k: v for k, v in os.environ.items() if not k.startswith("TRUSTSVC_")}
    environ |= {"TRUSTSVC_DATA": str(place / "data"), "TRUSTSVC_PORT": str(free_port())}
    cleanup = None
    if database == "postgresql":
        server = request.getfixturevalue("postgres")
        environ["TRUSTSVC_DATABASE_URL"], cleanup = servers.fresh_database(server)
    yield environ
    if cleanup:
        cleanup()


@pytest.fixture
def service_environ(tmp_path, database, request):
    with _environ(tmp_path, database, request) as environ:
        yield environ


def start(environ, log):
    """Start `trustsvc up`, in a session of its own; what it says is added to the log."""
    return subprocess.Popen(
        [sys.executable, "-m", "trustsvc", "up"],
        env=environ,
        stdout=log.open("a"),
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )


@contextlib.contextmanager
def _running(environ, place):
    log = place / "service.log"
    url = f"http://127.0.0.1:{environ['TRUSTSVC_PORT']}"
    process = start(environ, log)
    running = Service(environ, url, place / "data", process, log)
    try:
        running.until(running.is_ready)
        yield running
    finally:
        if running.process.poll() is None:
            running.process.send_signal(signal.SIGTERM)
        running.process.wait(PATIENCE_S)


@pytest.fixture
def service(service_environ, tmp_path, database, sqlite_template, keys_template):
    """A service of this test's own: seven processes, two seconds of CPU to start and to stop.

    It finds keys and a migrated database; that of a module (`shared_service`) starts with neither.
    """
    data = tmp_path / "data"
    data.mkdir(mode=0o700, exist_ok=True)
    shutil.copytree(keys_template, data / "keys")
    if database == "sqlite":
        shutil.copy(sqlite_template, data / "trustsvc.db")
    with _running(service_environ, tmp_path) as running:
        yield running


@pytest.fixture(scope="module")
def _services(tmp_path_factory, request):
    with contextlib.ExitStack() as stack:
        started = {}

        def on(database):
            if database not in started:
                place = tmp_path_factory.mktemp("service")
                environ = stack.enter_context(_environ(place, database, request))
                started[database] = stack.enter_context(_running(environ, place))
            return started[database]

        yield on


@pytest.fixture
def shared_service(_services, database):
    """The service of all tests of a module that leave it as well as they found it."""
    shared = _services(database)
    shared.until(shared.is_ready)
    return shared


@pytest.fixture
def restarted():
    """Start a service again that was killed, and wait until it is ready."""

    def again(service):
        service.process = start(service.environ, service.log)
        service.until(service.is_ready)

    return again
