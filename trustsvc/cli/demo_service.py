"""The demo's service process, on a folder and a port of its own, and the demo's output."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
import requests

from trustsvc import config
from trustsvc.crypto import keyring
from trustsvc.demo import steps
from trustsvc.errors import Misconfigured

START_S = 60
SETTLE_S = 60


class DemoFailed(click.ClickException):
    """A step failed; the message says which."""


def settings() -> dict[str, str]:
    """Give the demo a folder of its own and a free port, unless they are set."""
    environ = dict(os.environ)
    environ["TRUSTSVC_DEMO"] = "1"
    environ.setdefault("TRUSTSVC_DATA", str(Path("data") / "demo"))
    environ.setdefault("TRUSTSVC_OPERATOR", "trustsvc demo")
    if "TRUSTSVC_PORT" not in environ:
        environ["TRUSTSVC_PORT"] = str(_free_port(8000))
    config.use(config.load(environ))
    if _is_taken(config.current().port):
        raise Misconfigured("The port is taken: set TRUSTSVC_PORT to another, or to none.")
    return environ


@contextmanager
def service(environ: dict[str, str]) -> Iterator[None]:
    step("Starting web, worker, scheduler and an embedded Redis-compatible server")
    began = time.monotonic()
    keyring.make_all()
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _stop)  # a closed terminal must not leave the service behind
    service = subprocess.Popen(
        [sys.executable, "-m", "trustsvc", "up"],
        env=environ,
        stdout=subprocess.DEVNULL,
        stderr=(config.current().data / "demo.log").open("w"),
        start_new_session=True,
    )
    try:
        while service.poll() is None and not _ready():
            require(time.monotonic() - began < START_S, "the service did not get ready in a minute")
            time.sleep(0.1)
        require(service.poll() is None, f"the service did not start: {_last_log_line()}")
        echo(f"ready after {time.monotonic() - began:.1f} s")
        yield
    finally:
        service.send_signal(signal.SIGTERM)
        service.wait(START_S)


def _stop(*_: object) -> None:
    raise KeyboardInterrupt


def _last_log_line() -> str:
    lines = (config.current().data / "demo.log").read_text().strip().splitlines()
    return lines[-1] if lines else "nothing was logged"


def _ready() -> bool:
    try:
        return requests.get(f"{config.current().base_url}/readyz", timeout=2).ok
    except requests.RequestException:
        return False


def run_command(environ: dict[str, str], *command: str) -> str:
    """Run one of our commands in a process of its own; raises DemoFailed when it fails."""
    done = subprocess.run(
        [sys.executable, "-m", "trustsvc", *command],
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )
    require(done.returncode == 0, f"trustsvc {command[0]} failed: {done.stderr[-300:]}")
    return done.stdout


def wait_for(url: str, text: str, otherwise: str) -> None:
    end = time.monotonic() + SETTLE_S
    while text not in steps.page(url):
        require(time.monotonic() < end, otherwise)
        time.sleep(0.2)


def require(condition: bool, otherwise: str) -> None:
    if not condition:
        raise DemoFailed(otherwise)


_step_numbers = iter(range(1, 100))


def step(title: str) -> None:
    click.secho(f"\n{next(_step_numbers)}  {title}", bold=True)


def echo(text: str) -> None:
    click.echo(f"   {text}")


def _free_port(wanted: int) -> int:
    for port in range(wanted, wanted + 100):
        if not _is_taken(port):
            return port
    raise Misconfigured("No free port was found: set TRUSTSVC_PORT.")


def _is_taken(port: int) -> bool:
    with socket.socket() as connection:
        return connection.connect_ex(("127.0.0.1", port)) == 0
