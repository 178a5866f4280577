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
from trustsvc.storage.columns import Id, Moment, column, metadata

INVITE = "invited buyer"
LEDGER = "ledger"
ANSWER = "correspondence"

# What is to be done with an order:
#   received  it waits for check_orders
#   waiting   checked, but not yet paid: news from the shop makes it received again
#   settled   decided on; the ledger says how
orders = Table(
    "orders",
    metadata,
    column("id", Id, why="ties the ledger to its order", keep=LEDGER, primary_key=True),
    column("shop_id", BigInteger, ForeignKey("shops.id"), why="whose order", keep=LEDGER),
    column(
        "identity",
        LargeBinary,
        why="recognise the order when it comes again (keyed hash)",
        keep=LEDGER,
        holds="pseudonym",
    ),
    column(
        "reference",
        EncryptedText,
        why="tie the review to its order",
        keep=INVITE,
        holds="order",
        nullable=True,
    ),
    column(
        "email",
        EncryptedText,
        why="send the invitation",
        keep=INVITE,
        holds="address",
        nullable=True,
    ),
    column("name", EncryptedText, why="greet the buyer", keep=INVITE, holds="name", nullable=True),
    column(
        "buyer",
        LargeBinary,
        why="ask a buyer once in the cap period (the shop's keyed hash)",
        keep="cap period",
        holds="pseudonym",
        nullable=True,
    ),
    column(
        "locale",
        Text,
        why="language and hours of the letter",
        keep=INVITE,
        holds="detail",
        nullable=True,
    ),
    column(
        "consent",
        Boolean,
        why="whether the order carries consent",
        keep=LEDGER,
        holds="detail",
        nullable=True,
    ),
    column("state", Text, why="what is to be done", keep=LEDGER),
    column("unpaid", Boolean, why="do not ask before it is paid", keep=LEDGER),
    column("created_at", Moment, why="when it was placed", keep=LEDGER),
    column("paid_at", Moment, why="when it was paid", keep=LEDGER, nullable=True),
    column("shipped_at", Moment, why="when it was shipped", keep=LEDGER, nullable=True),
    column("delivered_at", Moment, why="when it was delivered", keep=LEDGER, nullable=True),
    column(
        "cancelled_at", Moment, why="do not ask about a cancelled order", keep=LEDGER, nullable=True
    ),
    column(
        "refunded_at", Moment, why="do not ask about a refunded order", keep=LEDGER, nullable=True
    ),
    column("received_at", Moment, why="start of its retention", keep=LEDGER),
    UniqueConstraint("shop_id", "identity"),
    CheckConstraint("state IN ('received', 'waiting', 'settled')", name="state"),
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
        why="whose delivery",
        keep="delivery id",
        primary_key=True,
    ),
    column(
        "mark",
        LargeBinary,
        why="recognise a delivery that comes again (keyed hash)",
        keep="delivery id",
        primary_key=True,
    ),
    column(
        "body",
        LargeBinary,
        why="notice another body under the same id (keyed hash)",
        keep="delivery id",
        holds="pseudonym",
    ),
    column("at", Moment, why="start of its retention", keep="delivery id", index=True),
    sqlite_with_rowid=False,
)

decisions = Table(
    "ledger",
    metadata,
    column("id", Id, why="order of the lines", keep=LEDGER, primary_key=True),
    column(
        "order_id",
        BigInteger,
        ForeignKey("orders.id"),
        why="about which order",
        keep=LEDGER,
        index=True,
    ),
    column("step", Text, why="which step decided", keep=LEDGER),
    column("rule", Text, why="by which rule", keep=LEDGER),
    column("outcome", Text, why="what was decided", keep=LEDGER),
    column("at", Moment, why="when", keep=LEDGER, index=True),
)

# What somebody asked about personal data: the shop's platform, or a page that takes an address and
# answers the same to everybody. A job does it, so that no door's time tells who is known.
privacy_requests = Table(
    "asks",
    metadata,
    column("id", Id, why="order of the questions", keep=ANSWER, primary_key=True),
    column("kind", Text, why="what is to be done", keep=ANSWER),
    column("shop_id", BigInteger, why="at which shop, 0 for all", keep=ANSWER),
    column("address", EncryptedText, why="whose data", keep=ANSWER, holds="contact", nullable=True),
    column(
        "orders",
        EncryptedText,
        why="about which orders",
        keep=ANSWER,
        holds="contact",
        nullable=True,
    ),
    column("language", Text, why="language of the answer", keep=ANSWER),
    column("asked_at", Moment, why="when it was asked", keep=ANSWER, index=True),
    column("due_at", Moment, why="when to try next", keep=ANSWER, index=True),
    column("tries", Integer, why="how often it was tried", keep=ANSWER),
    CheckConstraint("kind IN ('my_data', 'object', 'tell', 'forget', 'forget_shop')", name="kind"),
)
