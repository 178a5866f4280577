"""How long until the service is ready? `make bench-start`.

Starts `trustsvc up` on a new folder (keys, tables and the first badge are made) and again on the
same folder, and waits until `/readyz` is answered with 200. Beside it: Python that starts and
imports Flask and SQLAlchemy, and nothing else.

ROUNDS shortens it; OUT is where start.json goes.
"""

import contextlib
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass

import requests

from bench import load, results

NEW, AGAIN = "on a new folder", "again"
IMPORTS = "Python imports Flask, SQLAlchemy"
POLL_S = 0.02
MOST_S = 120.0


@dataclass(frozen=True, slots=True)
class Running:
    """The service as `trustsvc up` starts it; `seconds` until it was ready, `cpu_s` until then."""

    pid: int
    url: str
    environ: dict[str, str]
    seconds: float
    cpu_s: float


@contextlib.contextmanager
def running(place: str, more: dict[str, str] | None = None) -> Iterator[Running]:
    """Run the service on a folder; ends with SystemExit when it does not get ready."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    own = {k: v for k, v in os.environ.items() if not k.startswith("TRUSTSVC_")}
    environ = own | {"TRUSTSVC_DATA": place, "TRUSTSVC_PORT": str(port)} | (more or {})
    began = time.monotonic()
    service = subprocess.Popen(
        [sys.executable, "-m", "trustsvc", "up"],
        env=environ,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        url = f"http://127.0.0.1:{port}"
        _wait(f"{url}/readyz", service)
        seconds = time.monotonic() - began
        yield Running(service.pid, url, environ, seconds, load.cpu_seconds(service.pid))
    finally:
        service.terminate()
        service.wait()


def _wait(url: str, service: "subprocess.Popen[bytes]") -> None:
    end = time.monotonic() + MOST_S
    while time.monotonic() < end and service.poll() is None:
        with contextlib.suppress(requests.RequestException):
            if requests.get(url, timeout=10).status_code == 200:
                return
        time.sleep(POLL_S)
    raise SystemExit("It does not get ready.")


def main() -> int:
    seen: dict[str, list[Running]] = {NEW: [], AGAIN: []}
    imports = []
    for _ in range(int(os.environ.get("ROUNDS") or 5)):
        began = time.monotonic()
        subprocess.run([sys.executable, "-c", "import flask, sqlalchemy.orm"], check=True)
        imports.append(time.monotonic() - began)
        with tempfile.TemporaryDirectory(prefix="trustsvc-bench-") as place:
            for runs in seen.values():
                with running(place) as one:
                    runs.append(one)
    found = [
        results.of_rounds(
            f"start to 200 on /readyz, {name}",
            "s",
            [one.seconds for one in runs],
            (IMPORTS, imports),
            [one.cpu_s * 1e6 for one in runs],
        )
        for name, runs in seen.items()
    ]
    print(results.table(found))
    results.write("start", found)
    return 0


if __name__ == "__main__":
    sys.exit(main())
