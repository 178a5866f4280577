"""The records that `make drill` writes into the data folder."""

from datetime import datetime
from pathlib import Path

import msgspec

from trustsvc import config

FORMAT = 2
MAX_BYTES = 256 * 1024
MAX_FILES = 200


class Drill(msgspec.Struct, frozen=True, kw_only=True):
    """One run on one database: its figures, the promised most of some, the least of its faults."""

    format: int
    at: datetime
    database: str
    commit: str
    seed: int
    size: dict[str, int]
    figures: dict[str, float | None]
    promised: dict[str, int]
    broken: list[str]
    minimums: dict[str, int]

    @property
    def kept(self) -> bool:
        """Whether every promise was kept in a run that counts; computed from the figures."""
        return (
            self.counts
            and not self.broken
            and all(
                (figure := self.figures.get(name)) is not None and figure <= most
                for name, most in self.promised.items()
            )
        )

    @property
    def counts(self) -> bool:
        """Whether there were enough faults of each kind for the run to show anything."""
        return bool(self.minimums) and all(
            (self.figures.get(name) or 0) >= least for name, least in self.minimums.items()
        )


def folder() -> Path:
    return config.current().data / "drills"


def newest() -> list[Drill]:
    """Read the newest record of each database; skips files that are no such record."""
    by_database: dict[str, Drill] = {}
    for path in sorted(folder().glob("*.json"), reverse=True)[:MAX_FILES]:
        drill = _read(path)
        if drill and (
            drill.database not in by_database or by_database[drill.database].at < drill.at
        ):
            by_database[drill.database] = drill
    return sorted(by_database.values(), key=lambda drill: drill.database, reverse=True)


def _read(path: Path) -> Drill | None:
    try:
        with path.open("rb") as file:
            drill = msgspec.json.decode(file.read(MAX_BYTES), type=Drill)
    except (OSError, msgspec.DecodeError):
        return None
    return drill if drill.format == FORMAT and drill.at.tzinfo else None
