"""How much memory does the whole service take, as `trustsvc up` starts it? `make bench-memory`.

Starts it on a folder of its own, waits until each job ran once, and prints the proportional set
size (PSS: shared pages are divided among who shares them) of each process. With SECONDS=3600 it
then posts orders whose invitations leave a minute later, and asks for pages and badges, and prints
the sizes ten times meanwhile. Linux only.
"""

import contextlib
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from zoneinfo import ZoneInfo

import requests

from trustsvc import clock
from trustsvc.demo import example_orders

SETTLED_S = 40
ROUNDS_A_SECOND = 2  # of one order and four requests each
# At night no invitation leaves: the buyers live where it is day.
PLACES = (("NL", "Europe/Amsterdam"), ("JP", "Asia/Tokyo"), ("US", "America/New_York"))


def main() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory() as place:
        environ = os.environ | {"TRUSTSVC_DATA": place, "TRUSTSVC_PORT": str(port)}
        environ |= {"TRUSTSVC_HOURLY_MOST": "0", "TRUSTSVC_MAIL_PACE": "0"}
        began = time.monotonic()
        service = subprocess.Popen([sys.executable, "-m", "trustsvc", "up"], env=environ)
        try:
            _wait(f"http://127.0.0.1:{port}/readyz")
            print(f"ready after {time.monotonic() - began:.1f} s; idle for {SETTLED_S} s")
            time.sleep(SETTLED_S)
            _print(service.pid)
            seconds = float(os.environ.get("SECONDS") or 0)
            shop = _shop(environ) if seconds else {}
            for _ in range(10 if seconds else 0):
                rounds = _load(f"http://127.0.0.1:{port}", shop, seconds / 10)
                print(f"after {rounds} more orders; sent in all: {_sent(place)}")
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


def _shop(environ: dict[str, str]) -> dict[str, str]:
    """Enrol a shop where it is day now."""
    country, zone = next(
        (c, z) for c, z in PLACES if 9 <= clock.now().astimezone(ZoneInfo(z)).hour < 19
    )
    words = ["--name", "Blue Lamp", "--domain", "lamp.example", "--platform", "woocommerce"]
    terms = ["--may-ask", "customers", "--delay", "1", "--delay-unit", "minutes", "--zone", zone]
    command = [sys.executable, "-m", "trustsvc", "shop", "add", *words, *terms, "--json"]
    made = subprocess.run(command, env=environ, check=True, capture_output=True, text=True)
    shop: dict[str, str] = json.loads(made.stdout)
    return shop | {"country": country}


def _load(url: str, shop: dict[str, str], seconds: float) -> int:
    """Send one order after the other, with what a shop's visitors ask; gives how many."""
    end, rounds, slug = time.monotonic() + seconds, 0, shop["shop"]
    paths = (f"s/{slug}", f"register/{slug}", f"badge/v1/{slug}.json", "readyz")
    with requests.Session() as session:
        while (began := time.monotonic()) < end:
            order = example_orders.example_order("woocommerce", clock.now())
            body = order.body.replace(b'"DE"', f'"{shop["country"]}"'.encode())
            example_orders.post(shop["webhook_url"], "woocommerce", shop["secret"], body)
            for path in paths:
                session.get(f"{url}/{path}", timeout=30)
            rounds += 1
            time.sleep(max(0.0, 1 / ROUNDS_A_SECOND - (time.monotonic() - began)))
    return rounds


def _sent(place: str) -> int:
    return sum(1 for _ in Path(place, "mail", "new").glob("*"))


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
