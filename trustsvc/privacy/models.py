"""What left the house and by which rule, what people were told, and who was shown whose data."""

from sqlalchemy import BigInteger, ForeignKey, Integer, LargeBinary, Table, Text

from trustsvc.tables import Id, Moment, column, metadata

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
