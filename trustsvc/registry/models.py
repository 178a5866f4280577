"""Tables of the registry: pseudonyms only; an address, encrypted, only until it is confirmed."""

from sqlalchemy import BigInteger, Boolean, Index, LargeBinary, Table, Text, false

from trustsvc.crypto.encrypted_column import EncryptedText
from trustsvc.crypto.encrypted_id import EncryptedId
from trustsvc.storage.columns import Id, Moment, column, metadata

PENDING = "pending_registration"
PENDING_UNDO = "transactional_mail"  # three days, with the request that it came with

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
        purpose="proof of consent: when it was requested",
        retention="registration",
        category="detail",
        nullable=True,
    ),
    column(
        "link",
        EncryptedId,
        purpose="random id inside the link to leave, the same in each message",
        retention="registration",
        category="pseudonym",
        nullable=True,
    ),
    Index("ix_registered_buyers_link", "link", unique=True),
    sqlite_with_rowid=False,
)

# The text that was agreed to, as it was, whatever the catalogues say later.
consent_texts = Table(
    "consent_texts",
    metadata,
    column("version", Text, purpose="which text", retention="registration", primary_key=True),
    column(
        "language", Text, purpose="in which language", retention="registration", primary_key=True
    ),
    column("text", Text, purpose="proof of consent: what was agreed to", retention="registration"),
    column("at", Moment, purpose="when it was first agreed to", retention="registration"),
)

# Requested registrations. Confirmed rows hold no address; they show that the link was used.
pending_registrations = Table(
    "pending_registrations",
    metadata,
    column("id", Id, purpose="one request", retention=PENDING, primary_key=True),
    column(
        "link_hash",
        LargeBinary,
        purpose="keyed hash of the random id inside the link that confirms",
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
    column("shop_id", BigInteger, purpose="at which shop it was requested", retention=PENDING),
    column("consent_version", Text, purpose="what was agreed to, by version", retention=PENDING),
    column("language", Text, purpose="in which language", retention=PENDING),
    column("source", Text, purpose="where: card, review or page", retention=PENDING),
    column("requested_at", Moment, purpose="when it was requested", retention=PENDING, index=True),
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
        purpose="never invite this person again",
        retention="opt_out",
        category="pseudonym",
        primary_key=True,
    ),
    # EVERY_SHOP: the pseudonym is made with the registry's key, else with the shop's own.
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

# Objections by the page that takes any address: from where, to notice a burst and to undo it.
form_objections = Table(
    "form_objections",
    metadata,
    column("id", Id, purpose="one objection", retention=PENDING_UNDO, primary_key=True),
    column(
        "pseudonym",
        LargeBinary,
        purpose="whose opt-out to take back with a burst",
        retention=PENDING_UNDO,
        category="pseudonym",
        index=True,
    ),
    column("shop_id", BigInteger, purpose="at which shop", retention=PENDING_UNDO),
    column(
        "network",
        LargeBinary,
        purpose="keyed hash of the network it came from: so many an hour",
        retention=PENDING_UNDO,
        category="pseudonym",
    ),
    column(
        "shown_network",
        EncryptedText,
        purpose="which network it came from, to look into a burst",
        retention="security_events",
        category="traffic",
    ),
    column("at", Moment, purpose="when: the moment of its opt-out", retention=PENDING_UNDO),
    column(
        "is_buyer",
        Boolean,
        purpose="whether the shop knew the person: then it holds without a link",
        retention=PENDING_UNDO,
        server_default=false(),
    ),
    column(
        "is_kept",
        Boolean,
        purpose="whether somebody looked at its burst and let it stand",
        retention=PENDING_UNDO,
        server_default=false(),
    ),
    Index("ix_form_objections_at", "at"),
    Index("ix_form_objections_network", "network", "at"),
    Index("ix_form_objections_shop_id", "shop_id", "at"),
)

# Data that is stored but neither used nor shown until the person lifts this (GDPR Art. 18).
restrictions = Table(
    "restrictions",
    metadata,
    column(
        "pseudonym",
        LargeBinary,
        purpose="do not use this person's data",
        retention="restriction",
        category="pseudonym",
        primary_key=True,
    ),
    # As with opt_outs: EVERY_SHOP by the registry's key.
    column(
        "shop_id", BigInteger, purpose="at which shop", retention="restriction", primary_key=True
    ),
    column("at", Moment, purpose="since when", retention="restriction"),
    sqlite_with_rowid=False,
)
