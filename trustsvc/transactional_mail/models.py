"""The letters that answer somebody; each forgets whom it was for as soon as it is settled."""

from sqlalchemy import BigInteger, CheckConstraint, Index, Integer, LargeBinary, Table, Text, text

from trustsvc.crypto.encrypted_column import EncryptedText
from trustsvc.storage.columns import Id, Moment, column, metadata

KEEP = "transactional_mail"
UNSETTLED = ("due", "leased")

# due: waits for due_at · leased: a sender has it · sent, refused, gave_up: settled, holds nobody
correspondence = Table(
    "correspondence",
    metadata,
    column("id", Id, purpose="one letter", retention=KEEP, primary_key=True),
    column("kind", Text, purpose="which letter: a folder of templates", retention=KEEP),
    column("language", Text, purpose="language of the letter", retention=KEEP),
    column("shop_id", BigInteger, purpose="in whose name, 0 for the service", retention=KEEP),
    column(
        "address",
        EncryptedText,
        purpose="whom to answer",
        retention=KEEP,
        category="contact",
        nullable=True,
    ),
    column(
        "name", EncryptedText, purpose="to greet", retention=KEEP, category="contact", nullable=True
    ),
    column(
        "facts",
        EncryptedText,
        purpose="links and dates in it",
        retention=KEEP,
        category="contact",
        nullable=True,
    ),
    column(
        "who",
        LargeBinary,
        purpose="so many letters of a kind a day to one address",
        retention=KEEP,
        category="pseudonym",
    ),
    column(
        "code",
        LargeBinary,
        purpose="names the letter, alike at each try",
        retention=KEEP,
        unique=True,
    ),
    column("state", Text, purpose="what is to be done", retention=KEEP),
    column("asked_at", Moment, purpose="when it was asked for", retention=KEEP),
    column("due_at", Moment, purpose="when to try next", retention=KEEP),
    column("tries", Integer, purpose="how often it was tried", retention=KEEP),
    column("lease", LargeBinary, purpose="which sender has it", retention=KEEP, nullable=True),
    column(
        "problem", Text, purpose="why it was not taken, as a code", retention=KEEP, nullable=True
    ),
    CheckConstraint("state IN ('due', 'leased', 'sent', 'refused', 'gave_up')", name="state"),
    Index("ix_correspondence_who", "who", "kind", "asked_at"),
    Index(
        "ix_correspondence_due",
        "due_at",
        sqlite_where=text("state IN ('due', 'leased')"),
        postgresql_where=text("state IN ('due', 'leased')"),
    ),
)
