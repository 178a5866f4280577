"""Play all order histories and print which kinds hold on which platform: python -m tools.cases.

Runs tests/cases (those of ../shared/cases too, where CASES_DIR or the folder beside the checkout
has them) and prints a table: held of tried, on SQLite and PostgreSQL together.
"""

import os
import re
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from xml.etree import ElementTree as ET

from tests.cases import history, test_own_cases

KINDS = {
    "01": "left the fulfilled state, came back",
    "02": "statuses of the shop's own",
    "03": "not paid, paid late",
    "04": "not, or partly, sent",
    "05": "sent again later",
    "06": "erased in the shop",
    "07": "address corrected",
    "08": "marketplace relays",
    "09": "addresses of nobody",
    "10": "placeholders for names",
    "11": "HTML entities in names",
    "12": "an explicit no, consent",
    "13": "old orders, shapes of dates",
    "14": "states in words",
    "15": "delivery failed, delivered",
    "16": "returns",
    "17": "refunds",
    "19": "hours where the buyer lives",
    "23": "renewals, repetitions",
    "25": "orders not to ask about",
    "26": "cancelled or trashed, then back",
    "27": "language",
    "28": "sent by other fields",
    "90": "controls",
}
PLATFORMS = ("woocommerce", "shopify", "lightspeed", "standard")


def main() -> int:
    """Print the table; gives 1 where something does not hold."""
    with tempfile.NamedTemporaryFile(suffix=".xml") as report:
        command = [sys.executable, "-m", "pytest", "-q", f"--junitxml={report.name}"]
        tests = [str(path) for path in Path("tests/cases").glob("test_*_cases.py")]
        environ = os.environ | {"CASES_ON_BOTH": "1"}
        done = subprocess.run(
            [*command, *tests], stdout=subprocess.DEVNULL, env=environ, check=False
        )
        held, tried = _count(ET.parse(report.name))
    print(f"| kind | {' | '.join(PLATFORMS)} |\n|---|{'---|' * len(PLATFORMS)}")
    for kind, words in KINDS.items():
        cells = [_cell(held[kind, one], tried[kind, one]) for one in PLATFORMS]
        print(f"| {kind} {words} | {' | '.join(cells)} |")
    print(f"\n{sum(held.values())} of {sum(tried.values())} hold.")
    return done.returncode


def _count(report: ET.ElementTree) -> tuple[Counter, Counter]:
    held: Counter = Counter()
    tried: Counter = Counter()
    platform_of = {case.name: case.platform for case in _cases()}
    for test in report.iter("testcase"):
        name = re.sub(r".*\[(sqlite|postgresql)-(.*)\]$", r"\2", test.get("name", ""))
        if name not in platform_of:
            continue
        kind = "90" if name.startswith("9") else name[:2]
        tried[kind, platform_of[name]] += 1
        if not any(test.find(tag) is not None for tag in ("failure", "error", "skipped")):
            held[kind, platform_of[name]] += 1
    return held, tried


def _cases() -> list[history.Case]:
    shared = history.shared_folder()
    return test_own_cases.CASES + (history.cases_in(shared) if shared else [])


def _cell(held: int, tried: int) -> str:
    if not tried:
        return "-"
    return f"✓ {held}" if held == tried else f"✗ {held} of {tried}"


if __name__ == "__main__":
    sys.exit(main())
