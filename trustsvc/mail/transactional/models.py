"""The letters that answer somebody; each forgets whom it was for as soon as it is settled."""

from sqlalchemy import BigInteger, CheckConstraint, Index, Integer, LargeBinary, Table, Text, text

from trustsvc.crypto.encrypted_column import EncryptedText
from trustsvc.storage.columns import Id, Moment, column, metadata

KEEP = "correspondence"
UNSETTLED = ("due", "leased")

# due: waits for due_at · leased: a sender has it · sent, refused, gave_up: settled, holds nobody
correspondence = Table(
    "correspondence",
    metadata,
    column("id", Id, why="one letter", keep=KEEP, primary_key=True),
    column("kind", Text, why="which letter: a folder of templates", keep=KEEP),
    column("language", Text, why="language of the letter", keep=KEEP),
    column("shop_id", BigInteger, why="in whose name, 0 for the service", keep=KEEP),
    column(
        "address", EncryptedText, why="whom to answer", keep=KEEP, holds="contact", nullable=True
    ),
    column("name", EncryptedText, why="to greet", keep=KEEP, holds="contact", nullable=True),
    column(
        "facts",
        EncryptedText,
        why="links and dates in it",
        keep=KEEP,
        holds="contact",
        nullable=True,
    ),
    column(
        "who",
        LargeBinary,
        why="so many letters of a kind a day to one address",
        keep=KEEP,
        holds="pseudonym",
    ),
    column("code", LargeBinary, why="names the letter, alike at each try", keep=KEEP, unique=True),
    column("state", Text, why="what is to be done", keep=KEEP),
    column("asked_at", Moment, why="when it was asked for", keep=KEEP),
    column("due_at", Moment, why="when to try next", keep=KEEP),
    column("tries", Integer, why="how often it was tried", keep=KEEP),
    column("lease", LargeBinary, why="which sender has it", keep=KEEP, nullable=True),
    column("problem", Text, why="why it was not taken, as a code", keep=KEEP, nullable=True),
    CheckConstraint("state IN ('due', 'leased', 'sent', 'refused', 'gave_up')", name="state"),
    Index("ix_correspondence_who", "who", "kind", "asked_at"),
    Index(
        "ix_correspondence_due",
        "due_at",
        sqlite_where=text("state IN ('due', 'leased')"),
        postgresql_where=text("state IN ('due', 'leased')"),
    ),
)
