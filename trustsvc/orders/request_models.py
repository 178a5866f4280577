"""The table of privacy requests."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    false,
)

from trustsvc.crypto.encrypted_column import EncryptedText
from trustsvc.orders.received import PrivacyRequestKind, RequestWait
from trustsvc.storage.columns import Id, Moment, column, metadata, one_of

REQUEST = "transactional_mail"

# Requests from the shop's platform, or from a page that takes an address and answers everybody the
# same. A job answers them, so that no route's timing tells who is known.
privacy_requests = Table(
    "privacy_requests",
    metadata,
    column("id", Id, purpose="order of the requests", retention=REQUEST, primary_key=True),
    column("kind", Text, purpose="what is to be done", retention=REQUEST),
    column("shop_id", BigInteger, purpose="at which shop, 0 for all", retention=REQUEST),
    column(
        "address",
        EncryptedText,
        purpose="whose data",
        retention=REQUEST,
        category="contact",
        nullable=True,
    ),
    column(
        "orders",
        EncryptedText,
        purpose="about which orders",
        retention=REQUEST,
        category="contact",
        nullable=True,
    ),
    column("language", Text, purpose="language of the answer", retention=REQUEST),
    column("requested_at", Moment, purpose="when it was requested", retention=REQUEST, index=True),
    column("due_at", Moment, purpose="when to try next", retention=REQUEST, index=True),
    column("attempts", Integer, purpose="how often it was tried", retention=REQUEST),
    column(
        "network",
        LargeBinary,
        purpose="keyed hash of the network it came from: so many may wait of one",
        retention=REQUEST,
        category="pseudonym",
        nullable=True,
    ),
    column(
        "everywhere",
        Boolean,
        purpose="whether an objection is meant for all other shops too",
        retention=REQUEST,
        server_default=false(),
    ),
    column(
        "waits_for",
        Text,
        purpose="why it is not due yet, where it did not fail",
        retention=REQUEST,
        nullable=True,
    ),
    column(
        "waits_since",
        Moment,
        purpose="since when it waits for the hour's messages",
        retention=REQUEST,
        nullable=True,
    ),
    Index("ix_privacy_requests_shop_id", "shop_id", "network"),
    CheckConstraint(one_of("kind", PrivacyRequestKind), name="kind"),
    CheckConstraint(one_of("waits_for", RequestWait), name="waits_for"),
)
