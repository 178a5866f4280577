"""`trustsvc up`: everything on one machine: Redis, web, worker and clock, kept alive."""

import contextlib
import fcntl
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import click

from trustsvc import config, log, migrations
from trustsvc.crypto import keyring
from trustsvc.errors import Misconfigured
from trustsvc.work_queue import embedded_redis, job_queue, runtime

LONGEST_PAUSE_S = 5.0
PATIENCE_S = 15
AT_ONCE_S = 30.0  # who ends with an error sooner than this could not start
logger = log.get_logger("up")


@dataclass(slots=True)
class Child:
    """A process that is started again when it ends, after a pause that grows."""

    name: str
    command: list[str]
    process: subprocess.Popen[bytes] | None = None
    pause_s: float = 0.2
    not_before: float = 0.0
    mend: Callable[[], None] | None = None  # what helps when it cannot start

    def keep_alive(self) -> None:
        if self.process is not None and self.process.poll() is None:
            if time.monotonic() - self.not_before > 10:
                self.pause_s = 0.2
            return
        if self.process is not None:
            logger.warning("ended, will be started again", process=self.name)
            if self.mend and self.process.returncode > 0 and self._is_young():
                self.mend()
            self.process = None
            self.not_before = time.monotonic() + self.pause_s
            self.pause_s = min(self.pause_s * 2, LONGEST_PAUSE_S)
        if time.monotonic() >= self.not_before:
            self.process = subprocess.Popen(
                self.command,
                start_new_session=True,
                preexec_fn=runtime.die_with_parent,  # noqa: PLW1509 - this process has no threads
            )
            self.not_before = time.monotonic()

    def _is_young(self) -> bool:
        return time.monotonic() - self.not_before < AT_ONCE_S

    def end(self) -> None:
        if self.process is None or self.process.poll() is not None:
            return
        self.process.terminate()
        try:
            self.process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


@click.command()
def up() -> None:
    """Run the whole service until it is told to stop (Ctrl-C or SIGTERM)."""
    settings = config.current()
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    with _only_one():
        check_port(settings.bind, settings.port)
        if not settings.embedded_redis:
            job_queue.check_redis()
        keyring.make_all()
        migrations.upgrade()
        children = [Child(name, _own(name)) for name in ("worker", "mailer", "clock", "web")]
        if settings.embedded_redis:
            children.insert(0, _redis())
        try:
            click.echo(f"trustsvc is at {settings.base_url}  (Ctrl-C stops it)")
            while not ended.wait(0.2):
                for child in children:
                    child.keep_alive()
        finally:
            for child in reversed(children):
                child.end()


def _own(name: str) -> list[str]:
    return [sys.executable, "-m", "trustsvc.cli", name]


def _redis() -> Child:
    socket = runtime.redis_socket()
    folder = config.current().data / "redis"
    child = Child(
        "redis",
        embedded_redis.command(folder, socket),
        mend=lambda: embedded_redis.start_empty(folder),
    )
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        child.keep_alive()
        with contextlib.suppress(TimeoutError):
            embedded_redis.wait_for(socket, 0.5)
            return child
    logger.warning("redis does not answer yet: orders are accepted meanwhile")
    return child


@contextlib.contextmanager
def _only_one() -> Iterator[None]:
    """Hold the data folder; raises Misconfigured when another `trustsvc up` does."""
    data = config.current().data
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (data / "up.lock").open("a") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Misconfigured(
                "Another trustsvc runs on this data folder: stop it, or set TRUSTSVC_DATA."
            ) from None
        yield


def check_port(bind: str, port: int) -> None:
    """Raises Misconfigured when somebody listens there: two servers would share it by chance."""
    family = socket.AF_INET6 if ":" in bind else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((bind, port))
        except OSError:
            raise Misconfigured(
                f"Port {port} is taken, or cannot be listened on: set TRUSTSVC_PORT to another."
            ) from None
