"""Processing activities: each retention rule belongs to one.

The record of processing (GDPR Art. 30) has a section per activity; its texts are in documents.toml.
"""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Activity:
    """`role`: the operator acts for itself (Art. 30(1)) or for the shops (Art. 30(2))."""

    code: str
    role: Literal["controller", "processor"]
    rules: tuple[str, ...]


ACTIVITIES = (
    Activity(
        "invite",
        "processor",
        (
            "buyer_contact",
            "frequency_cap",
            "webhook_delivery",
            "domain_throttle",
            "maildir",
        ),
    ),
    Activity("review", "processor", ("review", "publication", "reply")),
    Activity(
        "registry",
        "controller",
        (
            "pending_registration",
            "registration",
            "opt_out",
            "restriction",
            "suppression_journal",
        ),
    ),
    Activity(
        "rights",
        "controller",
        ("transactional_mail", "request_log", "notice_versions", "disclosure_log"),
    ),
    Activity("account", "controller", ("decision_log", "event_log", "receipt")),
    Activity("security", "controller", ("server_log", "security_events")),
    Activity("staff", "controller", ("staff", "staff_session")),
    Activity(
        "shops",
        "controller",
        ("shop", "previous_secret", "api_credentials", "webhook_counts", "service_state"),
    ),
)

# Categories kept in files, not in columns.
IN_FILES: dict[str, tuple[str, ...]] = {
    "server_log": ("traffic",),
    "maildir": ("name", "address", "pseudonym"),
    "transactional_mail": ("name", "address", "pseudonym"),  # in the default maildir
    "suppression_journal": ("pseudonym",),
}
