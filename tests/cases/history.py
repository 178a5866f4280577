"""A case: an order's history in JSON, whose moments and numbers a run fills in.

The form is that of ../shared/cases (README there). Cases of our own may also say: `shop`, settings
of the shop; for a step `after_days`, when it is posted; moments in other shapes (SHAPES); and in
`must` also `not_asked` (a letter of another kind may go), `letters` (how many), `not_after_days`,
and `daytime_in` (zones in which it must be day).
"""

import json
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

UNITS = {"d": "days", "h": "hours", "m": "minutes", "s": "seconds"}
PLACEHOLDER = re.compile(r"@([a-z0-9_]+?)(?:([+-]\d+)([dhms]))?")
SHAPES: dict[str, Callable[[datetime], Any]] = {
    "now": lambda at: f"{at:%Y-%m-%dT%H:%M:%SZ}",
    "gmt": lambda at: f"{at:%Y-%m-%dT%H:%M:%S}",
    "offset": lambda at: f"{at + timedelta(hours=2):%Y-%m-%dT%H:%M:%S}+02:00",
    "rfc2822": format_datetime,
    "dmy": lambda at: f"{at:%d-%m-%Y}",
    "dmy_time": lambda at: f"{at:%d-%m-%Y %H:%M:%S}",
    "unix": lambda at: int(at.timestamp()),
    "unix_ms": lambda at: int(at.timestamp() * 1000),
    "unix_text": lambda at: str(int(at.timestamp())),
    "php": lambda at: {
        "date": f"{at:%Y-%m-%d %H:%M:%S}.000000",
        "timezone_type": 3,
        "timezone": "UTC",
    },
    "dotnet": lambda at: f"/Date({int(at.timestamp() * 1000)})/",
}


@dataclass(frozen=True)
class Step:
    topic: str
    body: dict[str, Any]
    after: timedelta

    def filled(self, number: int, at: datetime) -> bytes:
        return json.dumps(_fill(self.body, number, at)).encode()


@dataclass(frozen=True)
class Case:
    name: str
    platform: str
    may_ask: str
    shop: dict[str, Any]
    steps: list[Step]
    must: dict[str, Any]

    @property
    def kind(self) -> str:
        return self.name[:2]

    @property
    def last_step(self) -> timedelta:
        return max(step.after for step in self.steps)


def cases_in(folder: Path) -> list[Case]:
    return [_case(path) for path in sorted(folder.glob("*.json"))]


def shared_folder() -> Path | None:
    """Give the folder that CASES_DIR names, else the one beside the checkout, else None."""
    beside = Path(__file__).parents[3] / "shared" / "cases"
    folder = Path(os.environ.get("CASES_DIR") or beside)
    return folder if folder.is_dir() else None


def _case(path: Path) -> Case:
    read = json.loads(path.read_text())
    steps = [
        Step(step.get("topic", ""), step["body"], timedelta(days=step.get("after_days", 0)))
        for step in read["steps"]
    ]
    shop = read.get("shop", {})
    return Case(path.stem, read["platform"], read["may_ask"], shop, steps, read["must"])


def _fill(value: Any, number: int, at: datetime) -> Any:
    if isinstance(value, dict):
        return {key: _fill(inner, number, at) for key, inner in value.items()}
    if isinstance(value, list):
        return [_fill(inner, number, at) for inner in value]
    found = PLACEHOLDER.fullmatch(value) if isinstance(value, str) else None
    if not found:
        return value
    shape, count, unit = found.groups()
    if shape == "id":
        return number
    if shape == "str":
        return str(number)
    return SHAPES[shape](at + timedelta(**{UNITS[unit]: int(count)}) if unit else at)
