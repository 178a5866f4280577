"""Every benchmark in its form of some minutes, and one table of them all: `make bench`.

Each runs as `make bench-<name>` does, in a process of its own, one after the other. A line whose
spread is too wide means little: others used the machine. CPU a unit stays true on a busy machine.

ONLY (names with commas between) runs some; OUT is where the JSON of each and bench.json go. What
each prints goes to stderr. Ends with 1 when a benchmark failed.
"""

import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from bench import results


@dataclass(frozen=True, slots=True)
class Bench:
    """A benchmark: its module, and the settings of its form of some minutes."""

    module: str
    settings: dict[str, str] = field(default_factory=dict)
    writes: str = ""  # its JSON, where that has another name
    limits_time: bool = False  # its exit says that a time grew, which other work does too


BENCHES = {
    "badge": Bench("badge"),
    "ingest": Bench("ingest", {"ROUNDS": "3", "SECONDS": "1"}),
    "serving": Bench("serving", {"ROUNDS": "5", "SECONDS": "0.5"}),
    "messages": Bench("messages", {"ROUNDS": "3", "MESSAGES": "400", "DISTANCES": "0,5"}),
    "check": Bench("check", {"ROUNDS": "5", "BATCHES": "2"}),
    "growth": Bench("growth", {"ROWS": "10000,40000", "RUNS": "3"}, limits_time=True),
    "waiting": Bench("waiting_writers", {"ROWS": "13000"}, writes="waiting"),
    "start": Bench("start", {"ROUNDS": "3"}),
    "memory": Bench("memory"),
    "sizes": Bench("sizes", {"ROWS": "20000"}),
}


def main() -> int:
    only = [one.strip() for one in (os.environ.get("ONLY") or "").split(",") if one.strip()]
    if unknown := sorted(set(only) - set(BENCHES)):
        print(f"There is no benchmark {unknown[0]}; there are: {', '.join(BENCHES)}.")
        return 2
    began, failed = time.monotonic(), []
    found: list[results.Result] = []
    with tempfile.TemporaryDirectory(prefix="trustsvc-bench-") as place:
        for name in only or BENCHES:
            folder = Path(place, name)
            is_good = _run(BENCHES[name], folder)
            written = results.read(folder, BENCHES[name].writes or BENCHES[name].module)
            found += written
            if not is_good and not (BENCHES[name].limits_time and written):
                failed.append(name)
            seconds = time.monotonic() - began
            print(f"{name}: {len(written)} lines after {seconds:.0f} s", file=sys.stderr)
    print(results.table(found))
    if wide := sum(one.is_wide for one in found):
        print(f"{wide} of {len(found)} spread too wide to mean anything: look at their CPU.")
    for name in failed:
        print(f"FAILED: {name}")
    results.write("bench", found, failed=failed, seconds=round(time.monotonic() - began))
    return 1 if failed else 0


def _run(bench: Bench, folder: Path) -> bool:
    """Run one; what the environment sets goes before its short form."""
    named = {key: os.environ[key] for key in bench.settings if os.environ.get(key)}
    done = subprocess.run(
        [sys.executable, "-m", f"bench.{bench.module}"],
        check=False,
        env=os.environ | bench.settings | named | {"OUT": str(folder)},
        stdout=sys.stderr,
    )
    return done.returncode == 0


if __name__ == "__main__":
    sys.exit(main())
