"""What a buyer who registers agrees to: the words, by version, in every language.

The words are in templates/words/<language>/register.toml and are never changed: other words are
another version beside the old one. What was really agreed to is copied into the database.
"""

from datetime import datetime

from sqlalchemy.orm import Session

from trustsvc import i18n
from trustsvc.registry.models import consent_texts
from trustsvc.storage import db

VERSION = "registration-1"


def text(version: str, language: str) -> str:
    """Say what is agreed to."""
    return i18n.translate(f"register.consent.{version}", language)


def record(session: Session, version: str, language: str, now: datetime) -> None:
    """Keep the words of a version as they were when first agreed to; twice changes nothing."""
    row = {"version": version, "language": language, "text": text(version, language), "at": now}
    session.execute(db.insert(consent_texts).values(row).on_conflict_do_nothing())
