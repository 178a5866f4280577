"""What does a badge cost a shop's page? Ours and isso's embed, in one Chromium, in one run.

`make bench-badge` starts the demo (the whole flow on a folder of its own) and isso from its own
package, puts each on a shop's page of another origin, and prints what was loaded and what happened.
Bodies are counted as `brotli -11` makes them, for both alike, so that nobody's server decides. Ends
with 1 when ours is over a limit. OUT is where badge.json goes.
"""

import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from bench import limits, looking, peers, results, shop_page


@dataclass(frozen=True, slots=True)
class Row:
    what: str
    ours: object
    theirs: object
    limit: object = ""

    @property
    def holds(self) -> bool:
        if isinstance(self.limit, bool):
            return self.ours == self.limit
        return not isinstance(self.limit, int) or (
            isinstance(self.ours, int | float) and self.ours <= self.limit
        )


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="trustsvc-bench-") as place:
        folder = Path(place)
        with peers.ours(folder / "ours") as (origin, slug), peers.isso(folder / "isso") as theirs:
            bodies = {
                "/ours": shop_page.badge(origin, slug),
                "/theirs": shop_page.isso(theirs),
                "/list": shop_page.reviews(origin, slug),
            }
            with (
                shop_page.serving(peers.SHOP, bodies) as free,
                shop_page.serving(
                    peers.STRICT_SHOP, bodies, {"/ours": origin, "/theirs": theirs}
                ) as strict,
                sync_playwright() as playwright,
            ):
                browser = playwright.chromium.launch(
                    executable_path=looking.program(), args=looking.ARGS
                )
                rows = list(_rows(browser, free, strict))
                browser.close()
    results.write("badge", list(_results(rows)), rows=[asdict(row) for row in rows])
    return _say(rows)


def _rows(browser: Browser, free: str, strict: str) -> list[Row]:
    ours = looking.look(browser, f"{free}/ours")
    theirs = looking.look(browser, f"{free}/theirs")
    held = looking.look(browser, f"{strict}/ours")
    broken = looking.look(browser, f"{strict}/theirs")
    listed = looking.look(browser, f"{free}/list")
    kinds = {"script": "Script", "stylesheet": "Style", "image": "Images", "fetch": "Data"}
    rows = [
        Row(
            f"{word}, bytes", ours.bytes_of(kind), theirs.bytes_of(kind), limits.BYTES.get(kind, "")
        )
        for kind, word in kinds.items()
    ]
    rows.insert(
        1, Row("Script, gzip bytes", ours.script_gzip, theirs.script_gzip, limits.SCRIPT_GZIP)
    )
    return [
        *rows,
        Row("Data without the statement, bytes", ours.unsigned, "-", limits.UNSIGNED),
        Row("Everything, cold, bytes", ours.bytes, theirs.bytes, limits.PAGE_BYTES),
        Row("Requests, cold", ours.requests, theirs.requests, limits.REQUESTS),
        Row("Requests, second page view", ours.warm, theirs.warm, 0),
        Row("Origins beside the shop's", ours.origins, theirs.origins, 1),
        Row("Layout shift (CLS)", ours.shift, theirs.shift, 0),
        Row("Long tasks", ours.long_tasks, theirs.long_tasks, 0),
        Row("Cookies", ours.cookies, theirs.cookies, 0),
        Row("Things stored", ours.stored, theirs.stored, 0),
        Row("Works under the strictest policy", held.works, broken.works, limit=True),
        Row(
            "Violations of the strictest policy",
            held.violations,
            _if(broken.works, broken.violations),
            0,
        ),
        Row("List of reviews, script and data, bytes", listed.bytes, "-", limits.LIST_BYTES),
    ]


def _if(it_works: bool, number: int) -> object:
    """Say how often a policy was violated, of what did anything at all under it."""
    return number if it_works else "-"


def _results(rows: list[Row]) -> Iterator[results.Result]:
    """Give what was counted in bytes or requests; the rest is yes or no."""
    for row in rows:
        name, _, unit = row.what.rpartition(", ")
        if unit not in {"bytes", "cold"} or not isinstance(row.ours, int | float):
            continue
        theirs = float(row.theirs) if isinstance(row.theirs, int | float) else None
        yield results.Result(
            work=f"badge on a page: {name if unit == 'bytes' else row.what}",
            unit="bytes" if unit == "bytes" else "requests",
            ours=row.ours,
            yardstick="isso" if theirs is not None else "",
            theirs=theirs,
            ratio=round(row.ours / theirs, 3) if theirs else None,
        )


def _say(rows: list[Row]) -> int:
    print("| | trustsvc | isso 0.14.0 | limit |\n|---|---:|---:|---:|")
    for row in rows:
        over = "" if row.holds else "  ← over"
        cells = (_word(cell) for cell in (row.ours, row.theirs, row.limit))
        print(f"| {row.what} | {' | '.join(cells)} |{over}")
    return 0 if all(row.holds for row in rows) else 1


def _word(cell: object) -> str:
    return {True: "yes", False: "no"}[cell] if isinstance(cell, bool) else str(cell)


if __name__ == "__main__":
    sys.exit(main())
