"""The orders' tables: an order once, the ids of its deliveries, and the ledger of decisions."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from trustsvc.crypto.encrypted_column import EncryptedText
from trustsvc.orders.state import order_states
from trustsvc.storage.columns import Id, Moment, column, metadata

INVITE = "buyer_contact"
LEDGER = "decision_log"
ANSWER = "transactional_mail"

orders = Table(
    "orders",
    metadata,
    column("id", Id, purpose="ties the ledger to its order", retention=LEDGER, primary_key=True),
    column("shop_id", BigInteger, ForeignKey("shops.id"), purpose="whose order", retention=LEDGER),
    column(
        "identity",
        LargeBinary,
        purpose="recognise the order when it comes again (keyed hash)",
        retention=LEDGER,
        category="pseudonym",
    ),
    column(
        "reference",
        EncryptedText,
        purpose="tie the review to its order",
        retention=INVITE,
        category="order",
        nullable=True,
    ),
    column(
        "email",
        EncryptedText,
        purpose="send the invitation",
        retention=INVITE,
        category="address",
        nullable=True,
    ),
    column(
        "name",
        EncryptedText,
        purpose="greet the buyer",
        retention=INVITE,
        category="name",
        nullable=True,
    ),
    column(
        "buyer",
        LargeBinary,
        purpose="ask a buyer once in the cap period (the shop's keyed hash)",
        retention="frequency_cap",
        category="pseudonym",
        nullable=True,
    ),
    column(
        "locale",
        Text,
        purpose="language and hours of the letter",
        retention=INVITE,
        category="detail",
        nullable=True,
    ),
    column(
        "consent",
        Boolean,
        purpose="whether the order carries consent",
        retention=LEDGER,
        category="detail",
        nullable=True,
    ),
    column("state", Text, purpose="what is to be done", retention=LEDGER),
    column("unpaid", Boolean, purpose="do not ask before it is paid", retention=LEDGER),
    column("created_at", Moment, purpose="when it was placed", retention=LEDGER),
    column("paid_at", Moment, purpose="when it was paid", retention=LEDGER, nullable=True),
    column("shipped_at", Moment, purpose="when it was shipped", retention=LEDGER, nullable=True),
    column(
        "delivered_at", Moment, purpose="when it was delivered", retention=LEDGER, nullable=True
    ),
    column(
        "cancelled_at",
        Moment,
        purpose="do not ask about a cancelled order",
        retention=LEDGER,
        nullable=True,
    ),
    column(
        "refunded_at",
        Moment,
        purpose="do not ask about a refunded order",
        retention=LEDGER,
        nullable=True,
    ),
    column("received_at", Moment, purpose="start of its retention", retention=LEDGER),
    UniqueConstraint("shop_id", "identity"),
    order_states.check(),
    Index(
        "ix_orders_due",
        "id",
        sqlite_where=text("state = 'received'"),
        postgresql_where=text("state = 'received'"),
    ),
    Index("ix_orders_buyer", "shop_id", "buyer"),
    Index("ix_orders_received_at", "received_at"),
    # What the purge looks through every hour: the few that still hold somebody, not two years.
    Index(
        "ix_orders_contact",
        "received_at",
        sqlite_where=text("email IS NOT NULL"),
        postgresql_where=text("email IS NOT NULL"),
    ),
    Index(
        "ix_orders_marked",
        "received_at",
        sqlite_where=text("buyer IS NOT NULL"),
        postgresql_where=text("buyer IS NOT NULL"),
    ),
)

deliveries = Table(
    "deliveries",
    metadata,
    column(
        "shop_id",
        BigInteger,
        ForeignKey("shops.id"),
        purpose="whose delivery",
        retention="webhook_delivery",
        primary_key=True,
    ),
    column(
        "delivery_hash",
        LargeBinary,
        purpose="recognise a delivery that comes again (keyed hash)",
        retention="webhook_delivery",
        primary_key=True,
    ),
    column(
        "body_hash",
        LargeBinary,
        purpose="notice another body under the same id (keyed hash)",
        retention="webhook_delivery",
        category="pseudonym",
    ),
    column(
        "at", Moment, purpose="start of its retention", retention="webhook_delivery", index=True
    ),
    sqlite_with_rowid=False,
)

decisions = Table(
    "decision_log",
    metadata,
    column("id", Id, purpose="order of the lines", retention=LEDGER, primary_key=True),
    column(
        "order_id",
        BigInteger,
        ForeignKey("orders.id"),
        purpose="about which order",
        retention=LEDGER,
        index=True,
    ),
    column("step", Text, purpose="which step decided", retention=LEDGER),
    column("rule", Text, purpose="by which rule", retention=LEDGER),
    column("outcome", Text, purpose="what was decided", retention=LEDGER),
    column("at", Moment, purpose="when", retention=LEDGER, index=True),
)

# What somebody asked about personal data: the shop's platform, or a page that takes an address and
# answers the same to everybody. A job does it, so that no door's time tells who is known.
privacy_requests = Table(
    "privacy_requests",
    metadata,
    column("id", Id, purpose="order of the questions", retention=ANSWER, primary_key=True),
    column("kind", Text, purpose="what is to be done", retention=ANSWER),
    column("shop_id", BigInteger, purpose="at which shop, 0 for all", retention=ANSWER),
    column(
        "address",
        EncryptedText,
        purpose="whose data",
        retention=ANSWER,
        category="contact",
        nullable=True,
    ),
    column(
        "orders",
        EncryptedText,
        purpose="about which orders",
        retention=ANSWER,
        category="contact",
        nullable=True,
    ),
    column("language", Text, purpose="language of the answer", retention=ANSWER),
    column("requested_at", Moment, purpose="when it was asked", retention=ANSWER, index=True),
    column("due_at", Moment, purpose="when to try next", retention=ANSWER, index=True),
    column("attempts", Integer, purpose="how often it was tried", retention=ANSWER),
    CheckConstraint("kind IN ('my_data', 'object', 'access', 'erase', 'erase_shop')", name="kind"),
)
