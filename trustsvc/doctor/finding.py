"""One line of the doctor: what was looked at, how it is, what to do."""

from dataclasses import dataclass
from typing import Literal

Level = Literal["OK", "WARN", "FAIL"]


@dataclass(frozen=True, slots=True)
class Finding:
    """`said` holds no address, no secret and nothing that came from outside."""

    what: str
    level: Level
    said: str
    todo: str = ""


def ok(what: str, said: str) -> Finding:
    return Finding(what, "OK", said)


def warn(what: str, said: str, todo: str) -> Finding:
    return Finding(what, "WARN", said, todo)


def fail(what: str, said: str, todo: str) -> Finding:
    return Finding(what, "FAIL", said, todo)
