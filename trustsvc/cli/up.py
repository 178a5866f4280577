"""`trustsvc up`: the whole service on one machine: Redis and our processes, restarted at need."""

import contextlib
import math
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import click

from trustsvc import config, log, migrations
from trustsvc.cli import data_folder_lock
from trustsvc.crypto import keyring
from trustsvc.doctor import readiness
from trustsvc.errors import Misconfigured
from trustsvc.work_queue import embedded_redis, job_queue, runtime, stop_request

MIN_PAUSE_S, MAX_PAUSE_S = 0.2, 5.0
STABLE_S = 10
TIMEOUT_S = 15
# How long each process may take to end; the mailer as long as the slowest answer it allows.
STOP_TIMEOUTS_S = {"mailer": job_queue.SLOWEST_MESSAGE_S + TIMEOUT_S}
TELL_AFTER_S = 5
POLL_S = 0.05
REDIS = "redis"
START_S = 30.0  # a process that fails sooner than this could not start
logger = log.get_logger("up")


@dataclass(slots=True)
class Child:
    """A process that is started again when it ends, after a pause that grows."""

    name: str
    command: list[str]
    process: subprocess.Popen[bytes] | None = None
    pause_s: float = MIN_PAUSE_S
    not_before: float = 0.0  # monotonic: when it may start, then when it started
    repair: Callable[[], None] | None = None  # called when it could not start

    def keep_alive(self) -> None:
        if self.process is not None and self.process.poll() is None:
            if time.monotonic() - self.not_before > STABLE_S:
                self.pause_s = MIN_PAUSE_S
            return
        if self.process is not None:
            logger.warning("up.process_ended", process=self.name)
            if self.repair and self.process.returncode > 0 and self._is_starting():
                self.repair()
            self.process = None
            self.not_before = time.monotonic() + self.pause_s
            self.pause_s = min(self.pause_s * 2, MAX_PAUSE_S)
        if time.monotonic() >= self.not_before:
            self.process = subprocess.Popen(
                self.command,
                start_new_session=True,
                # this process has no threads
                preexec_fn=partial(runtime.die_with_parent, os.getpid()),  # noqa: PLW1509
            )
            self.not_before = time.monotonic()

    def _is_starting(self) -> bool:
        return time.monotonic() - self.not_before < START_S

    def terminate(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()

    def end(self, began: float) -> None:
        """Wait until it ended after `terminate`; kill it at its limit, or when asked twice."""
        limit = began + STOP_TIMEOUTS_S.get(self.name, TIMEOUT_S)
        tell_at = time.monotonic() + TELL_AFTER_S
        asked = stop_request.count()
        while self.process is not None and self.process.poll() is None:
            now = time.monotonic()
            if now >= limit or stop_request.count() > asked:
                logger.warning("up.process_killed", process=self.name)
                self.process.kill()
                self.process.wait()
            elif now >= tell_at:
                logger.info("up.waits_for_process", process=self.name)
                tell_at = math.inf
            else:
                time.sleep(POLL_S)


def end_all(children: Sequence[Child]) -> None:
    """Stop all at once but Redis, which the others need to end well.

    The mailer gets its answer from the mail server, or the message in hand would be unknown. A
    second signal kills whoever is left.
    """
    redis = [child for child in children if child.name == REDIS]
    for group in ([child for child in children if child not in redis], redis):
        began = time.monotonic()
        for child in group:
            child.terminate()
        for child in group:
            child.end(began)


@click.command()
@stop_request.listening()
def up() -> None:
    """Run the whole service until Ctrl-C or SIGTERM; asked twice, it waits for nothing.

    At a stop the mailer finishes the message in hand, for which a mail server may take minutes.
    """
    settings = config.current()
    with data_folder_lock.only_up():
        check_port(settings.bind, settings.port)
        if not settings.embedded_redis:
            job_queue.check_redis()
        keyring.make_all()
        migrations.upgrade()
        readiness.record_keys()
        children = [Child(name, _command(name)) for name in process_names(settings.mailers)]
        if settings.embedded_redis:
            children.insert(0, _redis())
        try:
            click.echo(f"trustsvc is at {settings.base_url}  (Ctrl-C stops it)")
            while not stop_request.wait(0.2):
                for child in children:
                    child.keep_alive()
        finally:
            end_all(children)


def process_names(mailers: int) -> list[str]:
    """Name the processes of ours that are started beside Redis."""
    return ["worker", *["mailer"] * mailers, "scheduler", "web"]


def _command(name: str) -> list[str]:
    return [sys.executable, "-m", "trustsvc", name]


def _redis() -> Child:
    socket = runtime.redis_socket()
    folder = config.current().data / "redis"
    child = Child(
        REDIS,
        embedded_redis.command(folder, socket),
        repair=lambda: embedded_redis.start_empty(folder),
    )
    end = time.monotonic() + TIMEOUT_S
    while time.monotonic() < end:
        child.keep_alive()
        with contextlib.suppress(TimeoutError):
            embedded_redis.wait_for(socket, 0.5)
            return child
    logger.warning("up.redis_not_ready")  # orders are accepted meanwhile
    return child


def check_port(bind: str, port: int) -> None:
    """Raises Misconfigured when the port is in use: two servers would share its connections."""
    family = socket.AF_INET6 if ":" in bind else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((bind, port))
        except OSError:
            raise Misconfigured(
                f"Port {port} is taken, or cannot be listened on: set TRUSTSVC_PORT to another."
            ) from None
