"""The registry's tables: fingerprints only; an address, sealed, only until it is confirmed."""

from sqlalchemy import BigInteger, Index, LargeBinary, Table, Text

from trustsvc.crypto.encrypted_column import EncryptedText
from trustsvc.storage.columns import Id, Moment, column, metadata

PENDING = "pending_registration"

registered_buyers = Table(
    "registered_buyers",
    metadata,
    column(
        "pseudonym",
        LargeBinary,
        purpose="recognise a registered buyer",
        retention="registration",
        category="pseudonym",
        primary_key=True,
    ),
    column(
        "at",
        Moment,
        purpose="proof of consent: when it was confirmed",
        retention="registration",
        category="detail",
    ),
    column(
        "consent_version",
        Text,
        purpose="proof of consent: to what, by version",
        retention="registration",
        category="detail",
    ),
    column(
        "source",
        Text,
        purpose="proof of consent: where it was given",
        retention="registration",
        category="detail",
    ),
    column(
        "language",
        Text,
        purpose="proof of consent: in which language",
        retention="registration",
        category="detail",
        nullable=True,
    ),
    column(
        "requested_at",
        Moment,
        purpose="proof of consent: when it was asked for",
        retention="registration",
        category="detail",
        nullable=True,
    ),
    column(
        "link",
        LargeBinary,
        purpose="the way out",
        retention="registration",
        category="pseudonym",
        nullable=True,
    ),
    Index("ix_registered_buyers_link", "link", unique=True),
    sqlite_with_rowid=False,
)

# What was agreed to, word for word, whatever the catalogues say later.
consent_texts = Table(
    "consent_texts",
    metadata,
    column("version", Text, purpose="which wording", retention="registration", primary_key=True),
    column(
        "language", Text, purpose="in which language", retention="registration", primary_key=True
    ),
    column("text", Text, purpose="proof of consent: what was agreed to", retention="registration"),
    column("at", Moment, purpose="when it was first agreed to", retention="registration"),
)

# Asked for and not confirmed yet. Confirmed rows hold nobody: they say that the link was used.
pending_registrations = Table(
    "pending_registrations",
    metadata,
    column("id", Id, purpose="one request", retention=PENDING, primary_key=True),
    column(
        "link",
        LargeBinary,
        purpose="the link in the letter",
        retention=PENDING,
        category="pseudonym",
        unique=True,
    ),
    column(
        "address",
        EncryptedText,
        purpose="whom to register once confirmed",
        retention=PENDING,
        category="contact",
        nullable=True,
    ),
    column(
        "address_pseudonym",
        LargeBinary,
        purpose="one confirmation settles all requests of an address",
        retention=PENDING,
        category="pseudonym",
        nullable=True,
    ),
    column("shop_id", BigInteger, purpose="at which shop it was asked for", retention=PENDING),
    column("consent_version", Text, purpose="what was agreed to, by version", retention=PENDING),
    column("language", Text, purpose="in which language", retention=PENDING),
    column("source", Text, purpose="where: card, review or page", retention=PENDING),
    column("requested_at", Moment, purpose="when it was asked for", retention=PENDING, index=True),
    column(
        "confirmed_at", Moment, purpose="when it was confirmed", retention=PENDING, nullable=True
    ),
    Index("ix_pending_registrations_address_pseudonym", "address_pseudonym"),
)

opt_outs = Table(
    "opt_outs",
    metadata,
    column(
        "pseudonym",
        LargeBinary,
        purpose="never ask this person again",
        retention="opt_out",
        category="pseudonym",
        primary_key=True,
    ),
    # 0 for all shops: the mark is then made with the registry's key, else with the shop's own.
    column("shop_id", BigInteger, purpose="for which shop", retention="opt_out", primary_key=True),
    column("at", Moment, purpose="since when", retention="opt_out"),
    column(
        "reason",
        Text,
        purpose="stop, objection, complaint, erasure or undeliverable",
        retention="opt_out",
    ),
    sqlite_with_rowid=False,
)

# Frozen: kept, and neither used nor shown until the person says otherwise (GDPR Art. 18).
restrictions = Table(
    "restrictions",
    metadata,
    column(
        "pseudonym",
        LargeBinary,
        purpose="leave this person's data alone",
        retention="restriction",
        category="pseudonym",
        primary_key=True,
    ),
    # As with opt_outs: 0 for all shops, by the registry's key.
    column(
        "shop_id", BigInteger, purpose="at which shop", retention="restriction", primary_key=True
    ),
    column("at", Moment, purpose="since when", retention="restriction"),
    sqlite_with_rowid=False,
)
