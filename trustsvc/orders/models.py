"""Tables of orders, webhook deliveries and the decision log."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    ForeignKey,
    Index,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from trustsvc.crypto.encrypted_column import EncryptedText
from trustsvc.orders.platform_status import ParcelState, PlatformStatus
from trustsvc.orders.state import OrderState, order_states
from trustsvc.storage.columns import (
    Id,
    Moment,
    column,
    index_of_states,
    metadata,
    one_of,
    partial_index,
)

CONTACT = "buyer_contact"
DECISIONS = "decision_log"
AS_OF = "the platform's time of this news, so that old news changes nothing"


def _index_where_set(name: str, indexed: str, filled: str) -> Index:
    return partial_index(name, text(f"{filled} IS NOT NULL"), indexed)


orders = Table(
    "orders",
    metadata,
    column(
        "id",
        Id,
        purpose="links the decision log to the order",
        retention=DECISIONS,
        primary_key=True,
    ),
    column(
        "shop_id", BigInteger, ForeignKey("shops.id"), purpose="whose order", retention=DECISIONS
    ),
    column(
        "identity",
        LargeBinary,
        purpose="recognise the order when it comes again (keyed hash)",
        retention=DECISIONS,
        category="pseudonym",
    ),
    column(
        "reference",
        EncryptedText,
        purpose="tie the review to its order",
        retention=CONTACT,
        category="order",
        nullable=True,
    ),
    column(
        "email",
        EncryptedText,
        purpose="send the invitation",
        retention=CONTACT,
        category="address",
        nullable=True,
    ),
    column(
        "name",
        EncryptedText,
        purpose="greet the buyer",
        retention=CONTACT,
        category="name",
        nullable=True,
    ),
    column(
        "buyer_pseudonym",
        LargeBinary,
        purpose="invite a buyer once in the cap period (the shop's keyed hash)",
        retention="frequency_cap",
        category="pseudonym",
        nullable=True,
    ),
    column(
        "locale",
        Text,
        purpose="language of the invitation",
        retention=CONTACT,
        category="detail",
        nullable=True,
    ),
    column(
        "zone",
        Text,
        purpose="daytime of the invitation",
        retention=CONTACT,
        category="detail",
        nullable=True,
    ),
    column(
        "consent",
        Boolean,
        purpose="whether the order carries consent",
        retention=DECISIONS,
        category="detail",
        nullable=True,
    ),
    column("state", Text, purpose="what is to be done", retention=DECISIONS),
    column(
        "platform_status",
        Text,
        purpose="what its platform says of it: open, on hold, cancelled, refunded",
        retention=DECISIONS,
    ),
    column("platform_status_at", Moment, purpose=AS_OF, retention=DECISIONS, nullable=True),
    column("dispute", Text, purpose="an open dispute", retention=DECISIONS, nullable=True),
    column("dispute_at", Moment, purpose=AS_OF, retention=DECISIONS, nullable=True),
    column("returns", Text, purpose="an open return", retention=DECISIONS, nullable=True),
    column("returns_at", Moment, purpose=AS_OF, retention=DECISIONS, nullable=True),
    column(
        "merge_state",
        Text,
        purpose="each dispute, return and parcel of it (keyed hash of its id), what single fields "
        "say of skipping it, and when it was paid or sent at the earliest: state, since when",
        retention=DECISIONS,
        category="pseudonym",
        nullable=True,
    ),
    column("created_at", Moment, purpose="when it was placed", retention=DECISIONS),
    column(
        "paid",
        Boolean,
        purpose="do not invite before it is paid",
        retention=DECISIONS,
        nullable=True,
    ),
    column("paid_at", Moment, purpose="when it was paid", retention=DECISIONS, nullable=True),
    column("payment_at", Moment, purpose=AS_OF, retention=DECISIONS, nullable=True),
    column(
        "fulfilled",
        Boolean,
        purpose="do not invite before all of it was sent",
        retention=DECISIONS,
        nullable=True,
    ),
    column("shipped_at", Moment, purpose="when it was sent", retention=DECISIONS, nullable=True),
    column("fulfilment_at", Moment, purpose=AS_OF, retention=DECISIONS, nullable=True),
    column(
        "delivery",
        Text,
        purpose="the carrier's newest word: delivered, failed, ready for pickup",
        retention=DECISIONS,
        nullable=True,
    ),
    column("delivery_at", Moment, purpose="since when", retention=DECISIONS, nullable=True),
    column(
        "skip",
        Text,
        purpose="why the shop does not ask about it: pos, gift-card, tag",
        retention=DECISIONS,
        nullable=True,
    ),
    column(
        "date_unreadable",
        Boolean,
        purpose="a date of it could not be read: do not guess",
        retention=DECISIONS,
    ),
    column("details_at", Moment, purpose=AS_OF, retention=DECISIONS, nullable=True),
    column("consent_at", Moment, purpose=AS_OF, retention=DECISIONS, nullable=True),
    column("contact_at", Moment, purpose=AS_OF, retention=DECISIONS, nullable=True),
    column(
        "accepts_buyer",
        Boolean,
        purpose="whether news may bring a forgotten buyer back: never after an erasure or a stop",
        retention=DECISIONS,
    ),
    column("decide_at", Moment, purpose="decide without news", retention=DECISIONS, nullable=True),
    column("received_at", Moment, purpose="start of its retention", retention=DECISIONS),
    UniqueConstraint("shop_id", "identity"),
    order_states.check(),
    CheckConstraint(one_of("platform_status", PlatformStatus), name="platform_status"),
    CheckConstraint(one_of("dispute", PlatformStatus), name="dispute"),
    CheckConstraint(one_of("returns", PlatformStatus), name="returns"),
    CheckConstraint(one_of("delivery", ParcelState), name="delivery"),
    index_of_states("ix_orders_due", [OrderState.RECEIVED], "id"),
    index_of_states("ix_orders_waiting", [OrderState.WAITING], "shop_id"),
    _index_where_set("ix_orders_decide_at", "decide_at", "decide_at"),
    Index("ix_orders_buyer_pseudonym", "shop_id", "buyer_pseudonym"),
    Index("ix_orders_received_at", "received_at"),
    Index("ix_orders_shop", "shop_id", "id"),  # the desk's page of a shop's orders
    # For the hourly purge: the few rows that still hold buyer data, not two years of orders.
    _index_where_set("ix_orders_contact", "received_at", "email"),
    _index_where_set("ix_orders_pseudonym", "received_at", "buyer_pseudonym"),
)

webhook_deliveries = Table(
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
    column("id", Id, purpose="order of the entries", retention=DECISIONS, primary_key=True),
    column(
        "order_id",
        BigInteger,
        ForeignKey("orders.id"),
        purpose="about which order",
        retention=DECISIONS,
        index=True,
    ),
    column("step", Text, purpose="which step decided", retention=DECISIONS),
    column("rule", Text, purpose="by which rule", retention=DECISIONS),
    column("outcome", Text, purpose="what was decided", retention=DECISIONS),
    column("at", Moment, purpose="when", retention=DECISIONS, index=True),
)
