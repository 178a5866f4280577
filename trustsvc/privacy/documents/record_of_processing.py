"""The facts of the documents, from column tags, retention rules and live settings; no texts."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

from sqlalchemy import Column

from trustsvc.config import Settings
from trustsvc.privacy.documents import data_inventory, processors
from trustsvc.privacy.documents.activities import ACTIVITIES, IN_FILES, Activity
from trustsvc.privacy.retention.rules import RULES, Rule


@dataclass(frozen=True, slots=True)
class Section:
    """One activity: categories of personal data, retention rules and columns."""

    activity: Activity
    rules: Sequence[Rule]
    categories: Sequence[str]
    columns: Sequence[Column[Any]]


def sections() -> list[Section]:
    """Give one section per activity; every stored column is in exactly one."""
    return [_section(activity) for activity in ACTIVITIES]


def _section(activity: Activity) -> Section:
    rules = [RULES[code] for code in activity.rules if code in RULES]
    columns = [
        column for column in data_inventory.columns() if column.info["retention"] in activity.rules
    ]
    categories = {column.info["category"] for column in columns} - {"none"}
    categories |= {category for code in activity.rules for category in IN_FILES.get(code, ())}
    return Section(
        activity, rules, [c for c in data_inventory.CATEGORIES if c in categories], columns
    )


def days(rule: Rule, settings: Settings) -> int:
    """Give the days a rule keeps data here; 0 where an event ends it."""
    return settings.log_days if rule.code == "server_log" else rule.days or 0


def measures(settings: Settings) -> list[str]:
    """List the security measures in force by these settings (GDPR Art. 32), as codes."""
    mail = urlsplit(settings.mail_url)
    in_force = {
        "https": urlsplit(settings.base_url).scheme == "https",
        "loopback": settings.is_loopback,
        "encryption": True,
        "keys_apart": True,
        "pseudonyms": True,
        "minimal": True,
        "queue": True,
        "mail_tls": mail.scheme in {"smtp", "smtps"} and _encrypts(settings),
        "mail_clear": mail.scheme == "smtp" and not _encrypts(settings),
        "maildir": mail.scheme == "maildir",
        "purge": True,
        "receipts": True,
        "links": True,
        "staff": True,
        "backup": True,
    }
    return [code for code, holds in in_force.items() if holds]


def _encrypts(settings: Settings) -> bool:
    parts = urlsplit(settings.mail_url)
    return parts.scheme == "smtps" or parse_qs(parts.query).get("starttls") != ["never"]


def own_maildir(settings: Settings) -> bool:
    """Say whether mail goes into a maildir of the operator's own, which is never purged."""
    parts = urlsplit(settings.mail_url)
    return parts.scheme == "maildir" and parts.path != str(settings.data / "mail")


def unstated(settings: Settings) -> list[str]:
    """List the hosts that the operator has not stated to be in the EU."""
    return [one.host for one in processors.list_processors(settings) if one.place == "unstated"]
