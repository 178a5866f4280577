"""The tables of what comes back about a message, and of who may report it."""

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Table, Text

from trustsvc.crypto.encrypted_column import EncryptedText
from trustsvc.storage.columns import Moment, column, metadata

_KEEP = "decision_log"

# What came back about a message: at most one row a class, so that a report that comes twice, from
# two sides, or a thousand times from somebody who knows the code, counts once.
mail_reports = Table(
    "mail_reports",
    metadata,
    column(
        "message_id",
        BigInteger,
        ForeignKey("messages.id", ondelete="CASCADE"),
        purpose="about which message",
        retention=_KEEP,
        primary_key=True,
    ),
    column("kind", Text, purpose="what became of the message", retention=_KEEP, primary_key=True),
    column("code", Text, purpose="by which status code", retention=_KEEP),
    column("source", Text, purpose="who reported it: mail, postmark or ses", retention=_KEEP),
    column("at", Moment, purpose="when it was reported", retention=_KEEP, index=True),
    CheckConstraint("kind IN ('delivered', 'delayed', 'soft', 'hard', 'complaint')", name="kind"),
    sqlite_with_rowid=False,
)

# Where a sending service tells what became of messages.
mail_endpoints = Table(
    "mail_endpoints",
    metadata,
    column(
        "endpoint_hash",
        Text,
        purpose="keyed hash of the unguessable part of its address",
        retention="service_state",
        category="secret",
        primary_key=True,
    ),
    column(
        "beginning",
        Text,
        purpose="tell the endpoints apart by the first six characters of their ids",
        retention="service_state",
        server_default="",
    ),
    column("provider", Text, purpose="how it speaks", retention="service_state"),
    column(
        "secret",
        EncryptedText,
        purpose="proves who reports at it",
        retention="service_state",
        category="secret",
    ),
    column(
        "topic",
        Text,
        purpose="the one topic that may speak at it",
        retention="service_state",
        nullable=True,
    ),
    column("made_at", Moment, purpose="since when", retention="service_state"),
)
