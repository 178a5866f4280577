"""What is done with data about people: each rule of retention belongs to one activity.

The record of processing (GDPR Art. 30) has a section an activity. The words are in papers.toml.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Activity:
    """`role`: for whom the operator does it: for itself (Art. 30(1)) or for the shops (30(2))."""

    code: str
    role: Literal["controller", "processor"]
    rules: tuple[str, ...]


ACTIVITIES = (
    Activity(
        "invite",
        "processor",
        (
            "invited buyer",
            "cap period",
            "delivery id",
            "mail pace",
            "letters in the maildir",
        ),
    ),
    Activity("review", "processor", ("review", "publication", "reply")),
    Activity(
        "registry",
        "controller",
        ("registration asked for", "registration", "opt-out", "restriction"),
    ),
    Activity(
        "rights", "controller", ("correspondence", "register of requests", "notice", "disclosure")
    ),
    Activity("account", "controller", ("ledger", "outbox", "receipt")),
    Activity("security", "controller", ("server log", "security database")),
    Activity("staff", "controller", ("staff", "staff session")),
    Activity("shops", "controller", ("shop", "old secret", "as long as the service runs")),
)

# What is kept in files and not in columns.
IN_FILES: dict[str, tuple[str, ...]] = {
    "server log": ("traffic",),
    "letters in the maildir": ("name", "address", "pseudonym"),
    "correspondence": ("name", "address", "pseudonym"),  # answers in the maildir
    "opt-out": ("pseudonym",),  # suppressions/marks
}


def of_rule(rule: str, activities: Iterable[Activity] = ACTIVITIES) -> Activity | None:
    return next((one for one in activities if rule in one.rules), None)
