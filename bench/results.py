"""What every benchmark gives: one line of the table of `make bench`, and of its JSON."""

import json
import os
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from trustsvc import clock

WIDE = 0.5  # (max - min) / median of the ratios: more means little
HEADS = ("work", "unit", "ours", "yardstick", "its value", "ratio", "CPU µs", "rounds", "spread")


@dataclass(frozen=True, slots=True)
class Result:
    """One work beside its yardstick: medians of the rounds; the ratio is ours to the yardstick's.

    `cpu_us` is CPU a unit of work. `spread` is (max - min) / median of the rounds' ratios, or of
    our own values where there is no yardstick; None for what is counted and not timed.
    """

    work: str
    unit: str
    ours: float
    yardstick: str = ""
    theirs: float | None = None
    ratio: float | None = None
    cpu_us: float | None = None
    rounds: int = 1
    spread: float | None = None

    @property
    def is_wide(self) -> bool:
        return self.spread is not None and self.spread > WIDE


def of_rounds(
    work: str,
    unit: str,
    ours: Sequence[float],
    beside: tuple[str, Sequence[float]] | None = None,
    cpu_us: Sequence[float] = (),
) -> Result:
    """Summarise rounds; each ratio is that of one round, measured side by side."""
    name, theirs = beside or ("", [])
    ratios = [a / b for a, b in zip(ours, theirs, strict=True)] if beside else []
    measured = ratios or list(ours)
    return Result(
        work=work,
        unit=unit,
        ours=_short(statistics.median(ours)),
        yardstick=name,
        theirs=_short(statistics.median(theirs)) if beside else None,
        ratio=_short(statistics.median(ratios)) if ratios else None,
        cpu_us=_short(statistics.median(cpu_us)) if cpu_us else None,
        rounds=len(ours),
        spread=spread(measured) if len(measured) > 1 else None,
    )


def spread(values: Sequence[float]) -> float:
    """Give (max - min) / median; 0 where all are 0."""
    middle = statistics.median(values)
    return round((max(values) - min(values)) / middle, 2) if middle else 0.0


def _short(value: float) -> float:
    """Keep three digits, and whole numbers of more."""
    return float(f"{value:.3g}") if abs(value) < 100 else round(value)


def write(name: str, results: Iterable[Result], **more: object) -> None:
    """Write what a benchmark found into the folder OUT; nothing without one."""
    if out := os.environ.get("OUT"):
        Path(out).mkdir(parents=True, exist_ok=True)
        found = {"at": clock.now().isoformat(timespec="seconds"), **more}
        found["results"] = [asdict(one) for one in results]
        Path(out, f"{name}.json").write_text(json.dumps(found, indent=1))


def read(folder: Path, name: str) -> list[Result]:
    """Read what a benchmark wrote; nothing where it wrote nothing."""
    path = folder / f"{name}.json"
    if not path.is_file():
        return []
    return [Result(**one) for one in json.loads(path.read_text())["results"]]


def table(results: Iterable[Result]) -> str:
    lines = [f"| {' | '.join(HEADS)} |", "|---|---|---:|---|---:|---:|---:|---:|---:|"]
    lines += [f"| {' | '.join(_cells(one))} |" for one in results]
    return "\n".join(lines)


def _cells(one: Result) -> list[str]:
    wide = " (too wide)" if one.is_wide else ""
    spread_ = "" if one.spread is None else f"{one.spread:.2f}{wide}"
    numbers = [_number(value) for value in (one.ours, one.theirs, one.ratio, one.cpu_us)]
    ours, theirs, ratio, cpu = numbers
    return [one.work, one.unit, ours, one.yardstick, theirs, ratio, cpu, str(one.rounds), spread_]


def _number(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
