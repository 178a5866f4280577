"""The result of one health check."""

from dataclasses import dataclass
from typing import Literal

Level = Literal["OK", "WARN", "FAIL"]


@dataclass(frozen=True, slots=True)
class Finding:
    """Holds no address, no secret and no outside input: it is printed and logged."""

    check: str
    level: Level
    detail: str
    remedy: str = ""


def ok(check: str, detail: str) -> Finding:
    return Finding(check, "OK", detail)


def warn(check: str, detail: str, remedy: str) -> Finding:
    return Finding(check, "WARN", detail, remedy)


def fail(check: str, detail: str, remedy: str) -> Finding:
    return Finding(check, "FAIL", detail, remedy)
