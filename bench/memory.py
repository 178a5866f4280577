"""How much memory does the whole service take, as `trustsvc up` starts it? `make bench-memory`.

Starts it on a folder of its own, waits until each job ran once, and prints the proportional set
size (PSS: shared pages are divided among who shares them) of each process. With SECONDS=3600 it
then posts orders whose invitations leave a minute later, and asks for pages and badges, and prints
the sizes ten times meanwhile. IDLE are the seconds until each job ran; OUT is where memory.json
goes. Linux only.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from zoneinfo import ZoneInfo

import requests

from bench import results, start
from trustsvc import clock
from trustsvc.demo import example_orders

SETTLED_S = 40
ROUNDS_A_SECOND = 2  # of one order and four requests each
# At night no invitation leaves: the buyers live where it is day.
PLACES = (("NL", "Europe/Amsterdam"), ("JP", "Asia/Tokyo"), ("US", "America/New_York"))


def main() -> int:
    idle_s = float(os.environ.get("IDLE") or SETTLED_S)
    seconds = float(os.environ.get("SECONDS") or 0)
    settings = {"TRUSTSVC_HOURLY_MOST": "0", "TRUSTSVC_MAIL_PACE": "0"}
    with (
        tempfile.TemporaryDirectory(prefix="trustsvc-bench-") as place,
        start.running(place, settings) as service,
    ):
        print(f"ready after {service.seconds:.1f} s; idle for {idle_s:.0f} s")
        time.sleep(idle_s)
        found = _results(service.pid, "idle")
        shop = _shop(service.environ) if seconds else {}
        for _ in range(10 if seconds else 0):
            rounds = _load(service.url, shop, seconds / 10)
            print(f"after {rounds} more orders; sent in all: {_sent(place)}")
            under_load = _results(service.pid, f"at {ROUNDS_A_SECOND} orders a second")
        found += under_load if seconds else []
    results.write("memory", found)
    return 0


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


def _results(parent: int, when: str) -> list[results.Result]:
    """Print the size of each process; gives that of all."""
    sizes = {pid: _pss_kb(pid) / 1024 for pid in _family(parent)}
    for pid, size in sizes.items():
        title = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[0].decode()
        name = "trustsvc up" if pid == parent else Path(title).name.split(" unix")[0]
        print(f"{size:6.0f} MB  {name}")
    whole = sum(sizes.values())
    without = whole - sizes[parent]
    print(f"{without:6.0f} MB  without `up`\n{whole:6.0f} MB  in all")
    return [
        results.Result(f"memory of the whole service, {when}, {what}", "MB PSS", round(size))
        for what, size in (("with `up`", whole), ("without `up`", without))
    ]


def _family(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(one for child in children for one in _family(int(child)))]


def _pss_kb(pid: int) -> int:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))


if __name__ == "__main__":
    sys.exit(main())
