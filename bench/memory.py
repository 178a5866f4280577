"""How much memory does the whole service take, as `trustsvc up` starts it? `make bench-memory`.

Starts it on a folder of its own, waits until each job ran once, and prints the proportional set
size (PSS: shared pages are divided among who shares them) of each process. Linux only.
"""

import contextlib
import os
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import requests

SETTLED_S = 40


def main() -> None:
    with tempfile.TemporaryDirectory() as place, socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
        probe.close()
        environ = os.environ | {"TRUSTSVC_DATA": place, "TRUSTSVC_PORT": str(port)}
        began = time.monotonic()
        service = subprocess.Popen([sys.executable, "-m", "trustsvc", "up"], env=environ)
        try:
            _wait(f"http://127.0.0.1:{port}/readyz")
            print(f"ready after {time.monotonic() - began:.1f} s; idle for {SETTLED_S} s")
            time.sleep(SETTLED_S)
            _print(service.pid)
        finally:
            service.terminate()
            service.wait()


def _wait(url: str) -> None:
    for _ in range(1200):
        with contextlib.suppress(requests.RequestException):
            if requests.get(url, timeout=10).ok:
                return
        time.sleep(0.1)
    raise SystemExit("It does not get ready.")


def _print(parent: int) -> None:
    sizes = {pid: _pss_kb(pid) for pid in _family(parent)}
    for pid, size in sizes.items():
        title = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[0].decode()
        name = "trustsvc up" if pid == parent else Path(title).name.split(" unix")[0]
        print(f"{size / 1024:6.0f} MB  {name}")
    whole = sum(sizes.values())
    print(f"{(whole - sizes[parent]) / 1024:6.0f} MB  without `up`\n{whole / 1024:6.0f} MB  in all")


def _family(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(one for child in children for one in _family(int(child)))]


def _pss_kb(pid: int) -> int:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))


if __name__ == "__main__":
    main()
