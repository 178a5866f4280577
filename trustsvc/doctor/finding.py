"""The result of one health check, and how checks are run."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

Level = Literal["OK", "WARN", "FAIL"]
BROKEN = "report this to the makers of trustsvc; the other checks ran"


@dataclass(frozen=True, slots=True)
class Finding:
    """Holds no address, no secret and no outside input: it is printed and logged."""

    check: str
    level: Level
    detail: str
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Result:
    """What a readiness check found.

    `status` is "ok" or a constant text without figures: anybody may read it at /readyz.
    """

    status: str
    findings: Sequence[Finding]


def well(check: str, detail: str) -> Result:
    return Result("ok", [ok(check, detail)])


def failed(check: str, status: str, detail: str, remedy: str) -> Result:
    return Result(status, [fail(check, detail, remedy)])


def ok(check: str, detail: str) -> Finding:
    return Finding(check, "OK", detail)


def warn(check: str, detail: str, remedy: str) -> Finding:
    return Finding(check, "WARN", detail, remedy)


def fail(check: str, detail: str, remedy: str) -> Finding:
    return Finding(check, "FAIL", detail, remedy)


def run_checks(checks: Mapping[str, Callable[[], Sequence[Finding] | Finding]]) -> list[Finding]:
    """Run each check; one that raises is a finding of its name, and hides no other."""
    findings: list[Finding] = []
    for name, check in checks.items():
        try:
            found = check()
        except Exception as problem:  # noqa: BLE001 - its text may repeat personal data
            found = fail(name, f"this check failed with {type(problem).__name__}", BROKEN)
        findings += [found] if isinstance(found, Finding) else found
    return findings
