"""Our commands as process 1 of a PID namespace, as in a container.

Also tests:
trustsvc/__main__.py
trustsvc/wsgi.py
trustsvc/work_queue/runtime.py
"""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from functools import cache
from pathlib import Path

import pytest
import requests

from tests.waiting import PATIENCE_S, until
from trustsvc.work_queue import runtime

pytestmark = [pytest.mark.processes, pytest.mark.slow]


@cache
def unshare():
    """Give the command that makes a PID namespace here; None where that is not permitted."""
    for more in ([], ["--user", "--map-root-user"]):
        command = ["unshare", *more, "--pid", "--fork", "--kill-child"]
        with contextlib.suppress(OSError):
            if not subprocess.run([*command, "true"], capture_output=True, check=False).returncode:
                return command
    return None


def children(pid):
    with contextlib.suppress(OSError):
        return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return []


def below(pid):
    """Give the ids of all processes below one."""
    return [found for child in children(pid) for found in (child, *below(child))]


def lasting(pid):
    """Give the ids of the processes below one that no job is: the same ones after a second."""

    def seen_twice():
        before = set(below(pid))
        time.sleep(1)
        return before if set(below(pid)) == before else None

    return until(seen_twice)


def state(pid):
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    return None


def words(pid):
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    return []


class Container:
    """A command that is process 1 of a namespace of its own."""

    def __init__(self, place, command, environ):
        self.log = place / "container.log"
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            port = listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("TRUSTSVC_")}
        self.outside = subprocess.Popen(
            [*unshare(), *(part.format(port=port) for part in command)],
            env=inherited
            | {"TRUSTSVC_DATA": str(place / "data"), "TRUSTSVC_PORT": str(port)}
            | environ,
            stdin=subprocess.DEVNULL,
            stdout=self.log.open("w"),
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self.first = until(lambda: children(self.outside.pid), log=self.log)[0]

    def answers(self, path):
        with contextlib.suppress(requests.RequestException):
            return requests.get(f"{self.url}{path}", timeout=PATIENCE_S).ok
        return False

    def stop(self):
        """Send SIGTERM to process 1, which no handler is there to end; gives the exit code."""
        os.kill(self.first, signal.SIGTERM)
        return self.outside.wait(PATIENCE_S)


@pytest.fixture
def contained(tmp_path):
    if not unshare():
        pytest.skip("no PID namespace may be made here")
    containers = []

    def start(*command, **environ):
        containers.append(Container(tmp_path, command, environ))
        return containers[-1]

    yield start
    for one in containers:
        one.outside.kill()
        one.outside.wait()


def trustsvc(*command):
    return [sys.executable, "-m", "trustsvc", *command]


def test_up_as_process_1_works_and_stops_on_sigterm(contained):
    container = contained(*trustsvc("up"))
    until(lambda: container.answers("/readyz"), log=container.log)
    before = lasting(container.first)

    time.sleep(3)  # in which a process that dies in a loop is replaced

    until(lambda: lasting(container.first) == before)
    assert "up.process_ended" not in container.log.read_text()
    assert container.stop() == 0
    assert not any(map(state, before))


def test_web_as_process_1_works_and_stops_on_sigterm(contained):
    container = contained(*trustsvc("web"))
    # A worker of granian's ignores SIGTERM while it starts.
    until(lambda: container.log.read_text().count("Started worker-") == 2, log=container.log)
    until(lambda: container.answers("/livez"), log=container.log)

    assert container.stop() == 0
    assert "Killing worker" not in container.log.read_text()  # no time-out was waited for


def test_a_web_server_of_somebody_elses_that_is_process_1_works(contained):
    server = (
        "-m",
        "granian",
        "--interface",
        "wsgi",
        "--port",
        "{port}",
        "trustsvc.wsgi:application",
    )
    container = contained(sys.executable, *server)

    until(lambda: container.answers("/livez"), log=container.log)


@pytest.mark.parametrize("name", ["worker", "mailer", "scheduler"])
def test_a_process_that_is_process_1_stops_on_sigterm_while_redis_is_away(contained, name):
    container = contained(*trustsvc(name), TRUSTSVC_REDIS_URL="unix:///nowhere.sock")
    event = "scheduler.heartbeat_failed" if name == "scheduler" else "worker.redis_unavailable"
    until(lambda: event in container.log.read_text(), log=container.log)

    assert container.stop() == 0


def test_process_1_waits_for_orphans(contained):
    container = contained(*trustsvc("up"))
    until(lambda: container.answers("/livez"), log=container.log)
    everyone = below(container.first)
    (web,) = (one for one in everyone if words(one)[0] == b"trustsvc web")
    serving = children(web)

    os.kill(web, signal.SIGKILL)

    # Neither running nor zombies.
    until(lambda: not any(map(state, serving)), log=container.log)
    until(lambda: container.answers("/livez"), log=container.log)


def test_process_1_ends_with_the_exit_code_of_the_command(contained):
    container = contained(*trustsvc("no-such-command"))

    assert container.outside.wait(PATIENCE_S) == 2


def test_a_process_ends_that_was_orphaned_before_it_could_say_so():
    code = (
        "import sys; from trustsvc.work_queue import runtime;"
        "runtime.die_with_parent(int(sys.argv[1])); print('lives')"
    )

    def run(parent):
        command = [sys.executable, "-c", code, str(parent)]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    assert run(os.getpid()).stdout == "lives\n"
    orphan = run(os.getppid())
    assert (orphan.returncode, orphan.stdout) == (1, "")
    assert runtime.PR_SET_PDEATHSIG == 1
