"""`make drill-table`: the newest long form of each database becomes the table of the documentation.

The records are copied beside the page, so that the table can be made from them again.
"""

import os
import shutil
import sys
from pathlib import Path

import msgspec

from tools.drill import sizes
from trustsvc.doctor.fault_drills import Drill

PAGE = Path(__file__).parents[2] / "docs" / "explanation" / "faults.md"
RECORDS = PAGE.parent / "drill"
BEGIN, END = "<!-- make drill-table: begin -->\n", "<!-- make drill-table: end -->\n"
DATABASES = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}
GROUPS = {
    "kill -9: ": "`kill -9`, by process",
    "SMTP faults: ": "faults of the mail server, by stage",
    "SMTP: ": "faults of the mail server, by name",
    "cut lines: ": "cut connections to Redis",
}
FIGURES = (
    "orders acknowledged",
    "buyers who stopped everything",
    "orders lost",
    "second messages",
    "messages against an opt-out",
    "sent after an opt-out, leased before it",
    "sent by its state, but never seen",
    "privacy requests acknowledged",
    "privacy requests without their answer",
    "privacy requests answered more often than posted",
    "answers that were neither yes nor later",
    "unknown, its sender died",
    "unknown beyond one a connection of a killed mailer",
    "left unsettled",
    "left running",
    "rows unknown",
    "FLUSHALL",
    *GROUPS,
    "seconds of calibration",
    "seconds of faults",
    "seconds until settled",
    "settled, in calibrations",
    "seconds in all",
)


def read(path):
    return msgspec.json.decode(path.read_bytes(), type=Drill)


def newest_long(folder):
    """Give the path of the newest record of the long form, by database."""
    found = {}
    for path in sorted(folder.glob("*.json")):
        try:
            drill = read(path)
        except msgspec.DecodeError:
            continue
        if drill.size == sizes.LONG:
            found[drill.database] = path
    return found


def table(drills):
    """Render the records of both databases; a row a figure, and the faults of a kind in one."""
    columns = [drills[name] for name in DATABASES]
    rows = [
        ("", *DATABASES.values(), "promised"),
        ("---",) * 4,
        ("commit", *(f"`{drill.commit}`" for drill in columns), ""),
        ("when", *(f"{drill.at:%Y-%m-%d %H:%M} UTC" for drill in columns), ""),
        ("SEED", *(str(drill.seed) for drill in columns), ""),
    ]
    for name in FIGURES:
        cells = [_cell(drill, name) for drill in columns]
        rows.append((GROUPS.get(name, name), *cells, _promised(columns, name)))
    verdicts = [
        "kept" if drill.kept else "broken" if drill.counts else "invalid" for drill in columns
    ]
    rows.append(("all promises", *verdicts, "kept"))
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _cell(drill, name):
    if name not in GROUPS:
        figure = drill.figures.get(name)
        return "-" if figure is None else f"{figure:,g}" if figure < 1000 else f"{figure:,.0f}"
    group = {
        one.removeprefix(name): int(figure or 0)
        for one, figure in drill.figures.items()
        if one.startswith(name)
    }
    if not group:
        return "-"
    each = ", ".join(f"{one} {number}" for one, number in sorted(group.items()))
    return f"{sum(group.values())}: {each}"


def _promised(columns, name):
    if name in GROUPS:
        least = [
            sum(n for one, n in drill.minimums.items() if one.startswith(name)) for drill in columns
        ]
        return f"≥ {max(least)} to count" if any(least) else ""
    most = columns[0].promised.get(name)
    least = columns[0].minimums.get(name)
    return str(most) if most is not None else f"≥ {least} to count" if least else ""


def page_with(text, rendered):
    """Give the page with another table between its marks."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{rendered}\n{END}{after}"


def main():
    folder = Path(os.environ.get("TRUSTSVC_DATA") or "data") / "drills"
    paths = newest_long(folder)
    if missing := [name for name in DATABASES if name not in paths]:
        print(f"There is no long form for {' and '.join(missing)} in {folder}: run make drill.")
        return 1
    RECORDS.mkdir(exist_ok=True)
    for database, path in paths.items():
        shutil.copyfile(path, RECORDS / f"{database}.json")
    drills = {database: read(path) for database, path in paths.items()}
    PAGE.write_text(page_with(PAGE.read_text(), table(drills)))
    print(f"Written: {PAGE}")
    return 0 if all(drill.kept for drill in drills.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
