"""What fills first as an installation grows, up to 10⁹ invitations? `make bench-simulate`.

Takes what the benchmarks measured (FOLDER: the JSON of `make bench` and `make bench-sizes`; without
it the figures below, with their date) and the plan of docs/explanation/scale.md. For each size it
prints the load of each resource, 1 is full, and the first step of the plan that holds it.

A size is the invitations that are stored: those of two years, as the retention keeps them. Times
that grew are taken to grow on in proportion, which is the worst they can do here.
"""

import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from bench import results

SIZES = tuple(10**power for power in range(4, 10))
DAYS_KEPT = 730
PEAK = 5  # the busiest hour to the average one
REMINDERS = 0.5  # further messages an invitation, in shops that remind
SAFE = 0.7  # of a CPU, or of a sender: more, and whoever comes waits
REWRITE_MOST_S = 10.0  # longer, and an order is answered with 503 while a table is rewritten
TICK_S = 15.0  # the jobs that look for something to do run as often, together


@dataclass(frozen=True, slots=True)
class Measured:
    """What one database costs; measured on 2026-11-29, two cores, `make bench` and bench-sizes."""

    ingest_us: float  # of CPU an order
    plan_us: float
    message_us: float  # of CPU a message
    messages_a_second: float  # that one mailer sends
    order_bytes: float  # all rows that are kept two years
    largest_table_bytes: float  # of them in the largest table, the decision log
    next_table_bytes: float  # of them in the largest that cannot be kept by month
    tick_ms: float  # of all jobs that find nothing to do
    tick_us_a_row: float  # and how much longer with each order
    rewrite_s_a_byte: float  # 7.71 s for 1,285 MB


SQLITE = Measured(1038, 164, 2408, 168, 1262, 567, 223, 16.0, 0.00003, 0.0)
POSTGRESQL = Measured(1329, 178, 3382, 98, 2137, 917, 399, 35.0, 0.00001, 6.0e-9)
KEPT = ("orders", "decision_log", "invitations", "messages", "reviews", "publications")
ROWS_AN_ORDER = {"decision_log": 7.0, "reviews": 0.1, "publications": 0.1}
QUIET = ("check_orders", "publish_reviews", "refresh_badges", "plan_reminders", "lease, nothing")


@dataclass(frozen=True, slots=True)
class Step:
    """A step of the plan: what there is."""

    name: str
    database: str
    cores: int
    mailers: int
    disk_gb: float
    by_month: bool = False  # decision log and event log (docs/adr/0038-partitions.md)
    writes_while_rewritten: bool = False  # all tables are rewritten in parts, or not at all


PLAN = (
    Step("one host, SQLite", "sqlite", 2, 1, 100),
    Step("one host, PostgreSQL", "postgresql", 2, 1, 400),
    Step("its logs by month", "postgresql", 2, 1, 400, by_month=True),
    Step("PostgreSQL on its own host", "postgresql", 6, 4, 2000, by_month=True),
    Step("rewritten in parts (not built)", "postgresql", 6, 4, 4000, writes_while_rewritten=True),
)


def main() -> int:
    folder = os.environ.get("FOLDER")
    measured = {"sqlite": SQLITE, "postgresql": POSTGRESQL}
    if folder:
        measured = {name: from_results(Path(folder), name, measured[name]) for name in measured}
    print("| invitations | orders a second at the peak | step of the plan | loads | full first |")
    print("|---:|---:|---|---|---|")
    for size in SIZES:
        for step in PLAN:
            found = loads(size, step, measured[step.database])
            words = ", ".join(f"{name} {load:.2g}" for name, load in found.items())
            full = first_full(found) or "-"
            print(f"| {size:,} | {peak(size):.2g} | {step.name} | {words} | {full} |")
            if full == "-":
                break
    return 0


def peak(size: int) -> float:
    """Give the orders a second in the busiest hour."""
    return size / (DAYS_KEPT * 86_400) * PEAK


def loads(size: int, step: Step, measured: Measured) -> dict[str, float]:
    """Give how full each resource is, 1 is full."""
    orders, messages = peak(size), peak(size) * (1 + REMINDERS)
    tick_s = (measured.tick_ms + measured.tick_us_a_row * size / 1000) / 1000
    cpu_s = orders * (measured.ingest_us + measured.plan_us) + messages * measured.message_us
    cores = cpu_s / 1e6 + tick_s / TICK_S
    of_order = measured.next_table_bytes if step.by_month else measured.largest_table_bytes
    rewrite_s = 0.0 if step.writes_while_rewritten else of_order * size * measured.rewrite_s_a_byte
    return {
        "CPU": cores / (step.cores * SAFE),
        "mailers": messages / (step.mailers * measured.messages_a_second * SAFE),
        "disk": measured.order_bytes * size / (step.disk_gb * 1e9),
        "rewriting": rewrite_s / REWRITE_MOST_S,
        "ticks": tick_s / TICK_S,
    }


def first_full(found: Mapping[str, float]) -> str | None:
    """Give the resource that is fuller than full by the most; it was full first as sizes grew."""
    name = max(found, key=lambda one: found[one])
    return name if found[name] > 1 else None


def from_results(folder: Path, database: str, default: Measured) -> Measured:
    """Take the figures of a run of the benchmarks; of what it lacks, those above."""
    found = {one.work: one for name in ("bench", "sizes") for one in results.read(folder, name)}
    written = "SQLite" if database == "sqlite" else "PostgreSQL"
    ingest = found.get(f"ingest, {written}, 64 connections")
    sent = [x for w, x in found.items() if w.startswith(f"messages sent, {database}")]
    message = max(sent, key=lambda one: one.ours, default=None)
    plan = next((x for w, x in found.items() if w.startswith(f"check and plan, {database}")), None)
    sizes = dict(_bytes_an_order(found, database))
    tick, slope = _tick(found, database, default)
    return replace(
        default,
        ingest_us=ingest.cpu_us if ingest and ingest.cpu_us else default.ingest_us,
        plan_us=plan.cpu_us if plan and plan.cpu_us else default.plan_us,
        message_us=message.cpu_us if message and message.cpu_us else default.message_us,
        messages_a_second=message.ours if message else default.messages_a_second,
        order_bytes=sum(sizes.values()) or default.order_bytes,
        largest_table_bytes=max(sizes.values(), default=default.largest_table_bytes),
        next_table_bytes=max(
            (of_order for table, of_order in sizes.items() if table != "decision_log"),
            default=default.next_table_bytes,
        ),
        tick_ms=tick,
        tick_us_a_row=slope,
    )


def _bytes_an_order(
    found: Mapping[str, results.Result], database: str
) -> Iterator[tuple[str, float]]:
    for work, one in found.items():
        table = work.partition(",")[0]
        if one.unit == "bytes a row" and f", {database}," in work and table in KEPT:
            yield table, one.ours * ROWS_AN_ORDER.get(table, 1.0)


def _tick(
    found: Mapping[str, results.Result], database: str, default: Measured
) -> tuple[float, float]:
    """Give the time of the quiet jobs at the shortest history, and how it grew with each order.

    Of rounds too far apart to mean anything, nothing is taken.
    """
    quiet = [
        one
        for work, one in found.items()
        if one.unit == "ms" and f", {database}," in work and work.startswith(QUIET)
        if not one.is_wide
    ]
    if len(quiet) < len(QUIET):
        return default.tick_ms, default.tick_us_a_row
    many, few = (
        int(text.rpartition(", ")[2].partition(" ")[0].replace(",", ""))
        for text in (quiet[0].work, quiet[0].yardstick)
    )
    first = [float(one.theirs or 0) for one in quiet]
    grown = sum(max(0.0, one.ours - least) for one, least in zip(quiet, first, strict=True))
    return sum(first), grown * 1000 / max(1, many - few)


if __name__ == "__main__":
    sys.exit(main())
