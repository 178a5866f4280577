"""The installation under the drill: `trustsvc up`, killed and started again."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

import requests

from tests.processes.conftest import free_port
from trustsvc.work_queue import embedded_redis, runtime

ROOT = Path(__file__).parents[2]


def environ_of(place, **more):
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TRUSTSVC_")}
    return kept | {
        "PYTHONPATH": str(ROOT),
        "TRUSTSVC_DATA": str(place / "data"),
        "TRUSTSVC_PORT": str(free_port()),
        **more,
    }


@dataclass
class Installation:
    """The processes; a thread starts `up` again when it was killed, as systemd would."""

    environ: dict
    place: Path
    process: subprocess.Popen | None = None
    kills: dict = field(default_factory=dict)

    @property
    def url(self):
        return f"http://127.0.0.1:{self.environ['TRUSTSVC_PORT']}"

    def __enter__(self):
        self._ended = threading.Event()
        self._log = (self.place / "service.log").open("a")
        self._keeper = threading.Thread(target=self._keep, daemon=True)
        self._keeper.start()
        return self

    def __exit__(self, *_):
        self._ended.set()
        self._keeper.join(10)
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(90)
        self._log.close()

    def own(self, *command, stdin=""):
        done = subprocess.run(
            [sys.executable, "-m", "trustsvc", *command],
            env=self.environ,
            cwd=ROOT,
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def enrol(self, name, zone, platform="standard", domain="lamp.example"):
        words = ("--name", name, "--domain", domain, "--platform", platform)
        terms = ("--may-ask", "customers", "--delay", "0", "--delay-unit", "minutes")
        return json.loads(self.own("shop", "add", *words, *terms, "--zone", zone, "--json"))

    def is_ready(self):
        with contextlib.suppress(requests.RequestException):
            return requests.get(f"{self.url}/readyz", timeout=2).ok
        return False

    def kill(self, name):
        """Kill -9 one of ours by its id; False where there is none just now."""
        ids = self.ids()
        pids = [self.process.pid] if name == "up" and self.process else ids.get(name, [])
        if pids:
            pid = pids[self.kills.get(name, 0) % len(pids)]  # of two mailers each in turn
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
                self.kills[name] = self.kills.get(name, 0) + 1
                return True
        return False

    def ids(self):
        """Give the ids of the processes under `up` by name.

        "serving" is granian's own child, "privacy-worker" the worker's.
        """
        parents = {}
        for stat in Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(OSError, IndexError, ValueError):
                parent = int(stat.read_text().rpartition(")")[2].split()[1])
                words = (stat.parent / "cmdline").read_bytes().split(b"\0")
                parents.setdefault(parent, []).append((int(stat.parent.name), words))
        pids_of = {}
        for pid, words in parents.get(self.process.pid if self.process else -1, []):
            title = words[0].decode()
            name = title.split()[1] if title.startswith("trustsvc ") else "redis"
            if name == "redis" and "-server" not in title:
                continue  # it ended, or was just forked
            pids_of.setdefault(name, []).append(pid)
        for name, parent in (("serving", "web"), ("privacy-worker", "worker")):
            for pid in pids_of.get(parent, []):
                pids_of[name] = [child for child, _ in parents.get(pid, [])]
        return pids_of

    def left_behind(self):
        """Give the ids of processes that still live on our data folder."""
        mark = f"TRUSTSVC_DATA={self.environ['TRUSTSVC_DATA']}".encode()
        socket = bytes(runtime.redis_socket())
        pids = []
        for path in Path("/proc").glob("[0-9]*/environ"):
            with contextlib.suppress(OSError):
                line = (path.parent / "cmdline").read_bytes()  # Redis has no environment to show
                if mark in path.read_bytes().split(b"\0") or socket in line:
                    pids.append(int(path.parent.name))
        return [pid for pid in pids if pid != os.getpid()]

    def end_the_rest(self):
        """Say how many were left behind, and end them by id."""
        time.sleep(2)
        left = self.left_behind()
        for pid in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return len(left)

    def _keep(self):
        while not self._ended.wait(0.2):
            if self.process is None or self.process.poll() is not None:
                self.process = subprocess.Popen(
                    [sys.executable, "-m", "trustsvc", "up"],
                    env=self.environ,
                    cwd=ROOT,
                    stdout=self._log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
                self._ended.wait(0.5)


@dataclass
class Redis:
    """A Redis of our own, on a socket: killed and started again, emptied."""

    place: Path
    process: subprocess.Popen | None = None

    @property
    def socket(self):
        return self.place / "redis.sock"

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(20)

    def start(self):
        command = embedded_redis.command(self.place / "redis", self.socket)
        self.process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
        )
        embedded_redis.wait_for(self.socket)

    def kill(self, pause_s):
        self.process.kill()
        self.process.wait()
        time.sleep(pause_s)
        self.start()
