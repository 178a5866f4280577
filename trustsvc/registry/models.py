"""The registry's tables: fingerprints only; an address, sealed, only until it is confirmed."""

from sqlalchemy import BigInteger, Index, LargeBinary, Table, Text

from trustsvc.crypto.encrypted_column import EncryptedText
from trustsvc.storage.columns import Id, Moment, column, metadata

PENDING = "registration asked for"

registered = Table(
    "registered",
    metadata,
    column(
        "mark",
        LargeBinary,
        why="recognise a registered buyer",
        keep="registration",
        holds="pseudonym",
        primary_key=True,
    ),
    column(
        "at",
        Moment,
        why="proof of consent: when it was confirmed",
        keep="registration",
        holds="detail",
    ),
    column(
        "wording",
        Text,
        why="proof of consent: to what, by version",
        keep="registration",
        holds="detail",
    ),
    column(
        "source",
        Text,
        why="proof of consent: where it was given",
        keep="registration",
        holds="detail",
    ),
    column(
        "language",
        Text,
        why="proof of consent: in which language",
        keep="registration",
        holds="detail",
        nullable=True,
    ),
    column(
        "asked_at",
        Moment,
        why="proof of consent: when it was asked for",
        keep="registration",
        holds="detail",
        nullable=True,
    ),
    column(
        "link",
        LargeBinary,
        why="the way out",
        keep="registration",
        holds="pseudonym",
        nullable=True,
    ),
    Index("ix_registered_link", "link", unique=True),
    sqlite_with_rowid=False,
)

# What was agreed to, word for word, whatever the catalogues say later.
wordings = Table(
    "wordings",
    metadata,
    column("version", Text, why="which wording", keep="registration", primary_key=True),
    column("language", Text, why="in which language", keep="registration", primary_key=True),
    column("text", Text, why="proof of consent: what was agreed to", keep="registration"),
    column("at", Moment, why="when it was first agreed to", keep="registration"),
)

# Asked for and not confirmed yet. Confirmed rows hold nobody: they say that the link was used.
registrations = Table(
    "registrations",
    metadata,
    column("id", Id, why="one request", keep=PENDING, primary_key=True),
    column(
        "link",
        LargeBinary,
        why="the link in the letter",
        keep=PENDING,
        holds="pseudonym",
        unique=True,
    ),
    column(
        "address",
        EncryptedText,
        why="whom to register once confirmed",
        keep=PENDING,
        holds="contact",
        nullable=True,
    ),
    column(
        "who",
        LargeBinary,
        why="one confirmation settles all requests of an address",
        keep=PENDING,
        holds="pseudonym",
        nullable=True,
    ),
    column("shop_id", BigInteger, why="at which shop it was asked for", keep=PENDING),
    column("wording", Text, why="what was agreed to, by version", keep=PENDING),
    column("language", Text, why="in which language", keep=PENDING),
    column("source", Text, why="where: card, review or page", keep=PENDING),
    column("asked_at", Moment, why="when it was asked for", keep=PENDING, index=True),
    column("confirmed_at", Moment, why="when it was confirmed", keep=PENDING, nullable=True),
    Index("ix_registrations_who", "who"),
)

opt_outs = Table(
    "opt_outs",
    metadata,
    column(
        "mark",
        LargeBinary,
        why="never ask this person again",
        keep="opt-out",
        holds="pseudonym",
        primary_key=True,
    ),
    # 0 for all shops: the mark is then made with the registry's key, else with the shop's own.
    column("shop_id", BigInteger, why="for which shop", keep="opt-out", primary_key=True),
    column("at", Moment, why="since when", keep="opt-out"),
    column(
        "reason",
        Text,
        why="stop, objection, complaint, erasure or undeliverable",
        keep="opt-out",
    ),
    sqlite_with_rowid=False,
)

# Frozen: kept, and neither used nor shown until the person says otherwise (GDPR Art. 18).
restrictions = Table(
    "restrictions",
    metadata,
    column(
        "mark",
        LargeBinary,
        why="leave this person's data alone",
        keep="restriction",
        holds="pseudonym",
        primary_key=True,
    ),
    # As with opt_outs: 0 for all shops, by the registry's key.
    column("shop_id", BigInteger, why="at which shop", keep="restriction", primary_key=True),
    column("at", Moment, why="since when", keep="restriction"),
    sqlite_with_rowid=False,
)
