"""The invitations' tables: who is invited, and which shops are paused."""

from sqlalchemy import BigInteger, ForeignKey, Index, Integer, Table, Text, and_

from trustsvc.crypto.encrypted_id import EncryptedId
from trustsvc.invitations.state import invitation_states
from trustsvc.mail.outbox.models import messages
from trustsvc.storage.columns import Id, Moment, column, metadata

_KEEP = "decision_log"
INVITATION, REMINDER = "invitation", "reminder"
MESSAGE_KINDS = (INVITATION, REMINDER)

invitations = Table(
    "invitations",
    metadata,
    column(
        "id", Id, purpose="ties messages and the review to it", retention=_KEEP, primary_key=True
    ),
    column("shop_id", BigInteger, ForeignKey("shops.id"), purpose="who asks", retention=_KEEP),
    column(
        "order_id",
        BigInteger,
        ForeignKey("orders.id"),
        purpose="about which order",
        retention=_KEEP,
        unique=True,
    ),
    column(
        "link",
        EncryptedId,
        purpose="random id inside the links of its messages, made again for each",
        retention=_KEEP,
        category="pseudonym",
        unique=True,
    ),
    column("state", Text, purpose="open, suspended, redeemed or withdrawn", retention=_KEEP),
    column(
        "reason", Text, purpose="why it is suspended or withdrawn", retention=_KEEP, nullable=True
    ),
    column("basis", Text, purpose="legal basis, by rule and wording version", retention=_KEEP),
    column("language", Text, purpose="language of the messages and pages", retention=_KEEP),
    column("zone", Text, purpose="messages leave in the buyer's daytime", retention=_KEEP),
    column(
        "experienced_at",
        Moment,
        purpose="date of the experience, shown at the review",
        retention=_KEEP,
    ),
    column(
        "unanswered",
        Integer,
        purpose="invitations in a row without a review, with this one: ask less and less",
        retention=_KEEP,
        category="detail",
    ),
    column("created_at", Moment, purpose="when it was planned", retention=_KEEP),
    column("expires_at", Moment, purpose="until when the review link opens", retention=_KEEP),
    invitation_states.check(),
    Index("ix_invitations_shop_created", "shop_id", "created_at"),
)

# The join of an invitation and its messages; other kinds number their subjects on their own.
message_of_invitation = and_(
    messages.c.subject_id == invitations.c.id, messages.c.kind.in_(MESSAGE_KINDS)
)

# A row for a shop that asked more buyers in an hour than TRUSTSVC_HOURLY_MOST.
volume_guards = Table(
    "volume_guards",
    metadata,
    column(
        "shop_id",
        BigInteger,
        ForeignKey("shops.id"),
        purpose="which",
        retention="shop",
        primary_key=True,
    ),
    column("usual", Integer, purpose="invitations in a usual hour of two weeks", retention="shop"),
    column("usual_at", Moment, purpose="when that was counted", retention="shop"),
    column(
        "counted", Integer, purpose="invitations in the hour it was stopped for", retention="shop"
    ),
    column(
        "paused_at", Moment, purpose="since when its messages wait", retention="shop", nullable=True
    ),
    column(
        "raised_until",
        Moment,
        purpose="higher limit after staff confirmed its orders",
        retention="shop",
        nullable=True,
    ),
)
