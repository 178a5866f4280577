"""What does a badge cost its server? `make bench-serving`.

Asks the web process (one, as `trustsvc web` starts it) for a badge as JSON and as a picture, whole
and unchanged, beside nginx with the same file, in the same rounds. Prints requests a second, CPU of
the server for each, and the bytes of an answer with its headers.

ROUNDS and SECONDS shorten it; OUT is where serving.json goes.
"""

import contextlib
import os
import re
import statistics
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from http.client import HTTPConnection
from itertools import repeat
from pathlib import Path

from bench import load, results, services
from tests.deploy.nginx_server import free_port, nginx

CONNECTIONS = 16
FORMS = ("json", "svg")
NGINX, OURS = "nginx", "ours"


@dataclass(frozen=True, slots=True)
class Row:
    what: str
    per_second: int
    cpu_us: int
    bytes: int
    ratio: float
    spread: float


@dataclass(frozen=True, slots=True)
class Asked:
    port: int
    pid: int
    request: bytes
    bytes: int


def main() -> int:
    rounds, seconds = int(os.environ.get("ROUNDS") or 5), float(os.environ.get("SECONDS") or 2)
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="trustsvc-bench-")))
        folder.chmod(0o755)
        asked = dict(_start(stack, folder))
        seen: dict[tuple[str, str], list[load.Load]] = {name: [] for name in asked}
        for _ in range(rounds):
            for name, one in asked.items():
                messages = repeat(one.request)
                run = load.run(one.port, CONNECTIONS, messages, seconds, one.pid)
                seen[name].append(run)
    rows = [_row(name, asked[name], seen) for name in asked]
    print("| what | requests/s | CPU µs | bytes, headers too | x nginx | spread |")
    print("|---|---:|---:|---:|---:|---:|")
    for row in rows:
        wide = " (too wide)" if row.spread > results.WIDE else ""
        cells = (row.what, row.per_second, row.cpu_us, row.bytes, row.ratio)
        print(f"| {' | '.join(map(str, cells))} | {row.spread:.2f}{wide} |")
    results.write("serving", _results(rows, rounds), rows=[asdict(row) for row in rows])
    wrong = {code for runs in seen.values() for run in runs for code in run.statuses} - {200, 304}
    return 1 if wrong else 0


def _results(rows: list[Row], rounds: int) -> list[results.Result]:
    beside = {row.what.partition(", ")[2]: row for row in rows if row.what.startswith(NGINX)}
    return [
        results.Result(
            work=f"badge served, {form}",
            unit=unit,
            ours=ours,
            yardstick="nginx, the same file",
            theirs=theirs,
            ratio=row.ratio if unit == "requests/s" else round(ours / theirs, 3),
            cpu_us=row.cpu_us if unit == "requests/s" else None,
            rounds=rounds,
            spread=row.spread if unit == "requests/s" else None,
        )
        for row in rows
        if row.what.startswith(OURS)
        for form in [row.what.partition(", ")[2]]
        for unit, ours, theirs in (
            ("requests/s", row.per_second, beside[form].per_second),
            ("bytes, headers too", row.bytes, beside[form].bytes),
        )
    ]


def _start(stack: contextlib.ExitStack, folder: Path) -> Iterator[tuple[tuple[str, str], Asked]]:
    ours = services.start_ours(stack, {"TRUSTSVC_DATA": str(folder / "data")})
    slug = ours.shop["shop"]
    public = folder / "public" / "badge" / "v1"
    public.mkdir(parents=True)
    for form in FORMS:  # as nginx has it beside trustsvc
        (public / f"{slug}.{form}").write_bytes(_ask(ours.port, f"/badge/v1/{slug}.{form}")[1])
        own = folder / "data" / "public" / "badge" / "v1" / f"{slug}.{form}"
        own.parent.mkdir(parents=True, exist_ok=True)
        own.write_bytes((public / f"{slug}.{form}").read_bytes())
    port = free_port()
    server = f"server {{ listen 127.0.0.1:{port}; root {folder}/public; access_log off; }}"
    front = stack.enter_context(
        nginx(folder / "nginx", f"keepalive_requests 1000000; {server}", port)
    )
    nginx_pid = int((front / "pid").read_text())
    for form in FORMS:
        path = f"/badge/v1/{slug}.{form}"
        for name, at, pid in ((NGINX, port, nginx_pid), (OURS, ours.port, ours.process.pid)):
            tag = re.search(rb"(?i)\r\netag: ([^\r]+)", _ask(at, path)[0])
            for what, headers in (
                ("whole", {}),
                ("unchanged", {"If-None-Match": tag[1].decode() if tag else ""}),
            ):
                size = sum(map(len, _ask(at, path, headers)))
                request = services.request("GET", path, headers, b"")
                yield (name, f"{form}, {what}"), Asked(at, pid, request, size)


def _ask(port: int, path: str, headers: dict[str, str] | None = None) -> tuple[bytes, bytes]:
    """Give the status line with the headers, and the body, as they are sent."""
    link = HTTPConnection("127.0.0.1", port, timeout=load.ANSWER_S)
    with contextlib.closing(link):
        link.request("GET", path, headers=headers or {})
        answer = link.getresponse()
        lines = [f"HTTP/1.1 {answer.status} {answer.reason}"]
        lines += [f"{name}: {value}" for name, value in answer.getheaders()]
        return "\r\n".join([*lines, "", ""]).encode(), answer.read()


def _row(name: tuple[str, str], one: Asked, seen: dict[tuple[str, str], list[load.Load]]) -> Row:
    runs = seen[name]
    beside = zip(runs, seen[NGINX, name[1]], strict=True)
    ratios = [run.per_second / other.per_second for run, other in beside]
    middle = statistics.median(ratios)
    return Row(
        what=", ".join(name),
        per_second=round(statistics.median(run.per_second for run in runs)),
        cpu_us=round(statistics.median(run.cpu_us for run in runs)),
        bytes=one.bytes,
        ratio=round(middle, 3),
        spread=round((max(ratios) - min(ratios)) / middle, 2),
    )


if __name__ == "__main__":
    sys.exit(main())
