"""`trustsvc up`: the whole service on one machine: Redis and our processes, restarted at need."""

import contextlib
import socket
import time

import click

from trustsvc import config, log, migrations
from trustsvc.cli import child_process, data_folder_lock
from trustsvc.cli.child_process import REDIS, TIMEOUT_S, Child
from trustsvc.crypto import keyring
from trustsvc.doctor import readiness
from trustsvc.errors import Misconfigured
from trustsvc.storage import key_guard
from trustsvc.work_queue import embedded_redis, job_queue, runtime, stop_request

logger = log.get_logger("up")


@click.command()
@stop_request.listening()
def up() -> None:
    """Run the whole service until Ctrl-C or SIGTERM; asked twice, it waits for nothing.

    At a stop the mailer finishes the message that is being sent; a mail server may take minutes.
    """
    settings = config.current()
    with data_folder_lock.only_up():
        check_port(settings.bind, settings.port)
        if not settings.embedded_redis:
            job_queue.check_redis()
        keyring.make_all()
        migrations.refuse_newer()
        if not migrations.is_current():
            child_process.run_once(child_process.command("migrate"))
        readiness.record_keys()
        key_guard.require()
        children = [_redis()] if settings.embedded_redis else []
        try:
            child_process.share_imports()
            child_process.share_first_work()
            children += [
                Child(name, child_process.command(name)) for name in process_names(settings.mailers)
            ]
            click.echo(f"trustsvc is at {settings.base_url}  (Ctrl-C stops it)")
            while not stop_request.wait(0.2):
                for child in children:
                    child.keep_alive()
        finally:
            child_process.end_all(children)


def process_names(mailers: int) -> list[str]:
    """Name the processes of ours that are started beside Redis."""
    return ["worker", *["mailer"] * mailers, "scheduler", "web"]


def _redis() -> Child:
    socket = runtime.redis_socket()
    folder = config.current().data / "redis"
    child = Child(
        REDIS,
        child_process.program(embedded_redis.command(folder, socket)),
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
    with socket.socket(family) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((bind, port))
        except OSError:
            raise Misconfigured(
                f"Port {port} is taken, or cannot be listened on: set TRUSTSVC_PORT to another."
            ) from None
