"""Receipts; what people were told, and what they asked; who was shown whose data."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    text,
)

from trustsvc.crypto.encrypted_column import EncryptedText
from trustsvc.storage.columns import Id, Moment, column, metadata

REGISTER = "register of requests"
LINK = "correspondence"

receipts = Table(
    "receipts",
    metadata,
    column("id", Id, why="order of the receipts", keep="receipt", primary_key=True),
    column("at", Moment, why="when something was deleted", keep="receipt"),
    column("what", Text, why="which rule of retention", keep="receipt"),
    column("number", BigInteger, why="how many rows or files", keep="receipt"),
    column("before", Moment, why="everything older than this", keep="receipt"),
    # Unique: of two that follow the same one only one can be written, so the chain never forks.
    column(
        "previous",
        LargeBinary,
        why="signature of the receipt before: a chain",
        keep="receipt",
        unique=True,
    ),
    column("signature", LargeBinary, why="Ed25519, so that it can be checked", keep="receipt"),
)

NOTICE = "notice"

# What buyers of a shop were told from when on, word by word: one row a version and language.
notice_versions = Table(
    "notice_versions",
    metadata,
    column(
        "shop_id",
        BigInteger,
        ForeignKey("shops.id"),
        why="whose notice",
        keep=NOTICE,
        primary_key=True,
    ),
    column("version", Integer, why="which version, from 1", keep=NOTICE, primary_key=True),
    column("language", Text, why="in which language", keep=NOTICE, primary_key=True),
    column("text", Text, why="what people were told", keep=NOTICE),
    column("digest", LargeBinary, why="SHA-256 of the text: what it was is shown", keep=NOTICE),
    column("since", Moment, why="from when on it was in force", keep=NOTICE),
    column(
        "announced_at",
        Moment,
        why="when the people concerned were written to",
        keep=NOTICE,
        nullable=True,
    ),
)

DISCLOSURE = "disclosure"

disclosures = Table(
    "disclosures",
    metadata,
    column("id", Id, why="order of the lines", keep=DISCLOSURE, primary_key=True),
    column("at", Moment, why="when people were listed", keep=DISCLOSURE, index=True),
    column("what", Text, why="of which table, key or backup", keep=DISCLOSURE),
    column("number", BigInteger, why="how many rows were shown", keep=DISCLOSURE),
    column("by", Text, why="who saw it: account of the machine", keep=DISCLOSURE, holds="staff"),
)

# Nobody is named in it: what was asked, of which shop, when, and how it ended.
requests = Table(
    "requests",
    metadata,
    column("id", Id, why="one request", keep=REGISTER, primary_key=True),
    column("kind", Text, why="which right", keep=REGISTER),
    column("shop_id", BigInteger, why="at which shop, 0 for all", keep=REGISTER),
    column("state", Text, why="open, done or refused", keep=REGISTER),
    column("by", Text, why="who did it: the person, staff, the shop", keep=REGISTER, nullable=True),
    column("ground", Text, why="ground of a refusal, as a code", keep=REGISTER, nullable=True),
    column("asked_at", Moment, why="day 0 of the answer's 30 days", keep=REGISTER),
    column("settled_at", Moment, why="when it was answered", keep=REGISTER, nullable=True),
    CheckConstraint("state IN ('open', 'done', 'refused')", name="state"),
    Index("ix_requests_settled_at", "settled_at"),
    Index(
        "ix_requests_open",
        "asked_at",
        sqlite_where=text("state = 'open'"),
        postgresql_where=text("state = 'open'"),
    ),
)

me_links = Table(
    "me_links",
    metadata,
    column(
        "link",
        LargeBinary,
        why="random id inside a link that was asked for",
        keep=LINK,
        holds="pseudonym",
        primary_key=True,
    ),
    column(
        "who",
        LargeBinary,
        why="forget it with the person",
        keep=LINK,
        holds="pseudonym",
        index=True,
    ),
    column("address", EncryptedText, why="whose data it opens", keep=LINK, holds="contact"),
    column("language", Text, why="language of its page", keep=LINK),
    column(
        "copy",
        EncryptedText,
        why="the copy handed over with an objection",
        keep=LINK,
        holds="contact",
        nullable=True,
    ),
    column("at", Moment, why="start of its three days", keep=LINK, index=True),
)
