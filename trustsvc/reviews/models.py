"""The reviews' tables: what was written (encrypted), what is published of it, the shop's reply."""

from collections.abc import Mapping

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
    text,
)

from trustsvc.crypto.encrypted_column import EncryptedText
from trustsvc.reviews.state import review_states
from trustsvc.storage.columns import Id, Moment, column, metadata, partial_index

_KEEP = "review"
PUBLIC = "publication"
REPLY = "reply"


# A review whose author is erased; its text is another matter.
NOBODY: Mapping[str, str | None] = {
    "name": "",
    "city": "",
    "email": None,
    "reference": None,
    "buyer_pseudonym": None,
}

reviews = Table(
    "reviews",
    metadata,
    column("id", Id, purpose="one review", retention=_KEEP, primary_key=True),
    column(
        "public_id",
        Text,
        purpose="names the review where people see it",
        retention=_KEEP,
        unique=True,
    ),
    column(
        "shop_id", BigInteger, ForeignKey("shops.id"), purpose="about which shop", retention=_KEEP
    ),
    column(
        "invitation_id",
        BigInteger,
        ForeignKey("invitations.id"),
        purpose="one review an invitation; proof that it is verified",
        retention=_KEEP,
        unique=True,
        nullable=True,
    ),
    column("state", Text, purpose="what is to be done", retention=_KEEP),
    column("stars", Integer, purpose="the score", retention=_KEEP, category="opinion"),
    column(
        "title", EncryptedText, purpose="what the buyer says", retention=_KEEP, category="opinion"
    ),
    column(
        "text", EncryptedText, purpose="what the buyer says", retention=_KEEP, category="opinion"
    ),
    column(
        "name",
        EncryptedText,
        purpose="as the buyer wants to be named",
        retention=_KEEP,
        category="name",
    ),
    column(
        "city",
        EncryptedText,
        purpose="as the buyer wants it shown",
        retention=_KEEP,
        category="place",
    ),
    column(
        "email",
        EncryptedText,
        purpose="clarification and rights, never shown",
        retention=_KEEP,
        category="address",
        nullable=True,
    ),
    column(
        "reference",
        EncryptedText,
        purpose="tie the review to its order",
        retention=_KEEP,
        category="order",
        nullable=True,
    ),
    column(
        "buyer_pseudonym",
        LargeBinary,
        purpose="find a person's reviews (the shop's keyed hash)",
        retention=_KEEP,
        category="pseudonym",
        nullable=True,
    ),
    column(
        "language", Text, purpose="language it was written in", retention=_KEEP, category="detail"
    ),
    column("consent", Boolean, purpose="may be published", retention=_KEEP),
    column(
        "consent_wording", Text, purpose="to what the author agreed, by version", retention=_KEEP
    ),
    column("experienced_at", Moment, purpose="date of the experience", retention=_KEEP),
    column("submitted_at", Moment, purpose="when it was written", retention=_KEEP),
    column(
        "edited_at", Moment, purpose="when it was last corrected", retention=_KEEP, nullable=True
    ),
    column("decided_at", Moment, purpose="when it was decided on", retention=_KEEP, nullable=True),
    column(
        "decided_by",
        Text,
        purpose="who decided: staff id, or the command line",
        retention=_KEEP,
        category="staff",
        nullable=True,
    ),
    column("reason", Text, purpose="reason code of a rejection", retention=_KEEP, nullable=True),
    column(
        "restricted_at", Moment, purpose="restricted by its author", retention=_KEEP, nullable=True
    ),
    column(
        "prior_published_at",
        Moment,
        purpose="its date of publication, for after a restriction",
        retention=_KEEP,
        nullable=True,
    ),
    column(
        "emptied_at",
        Moment,
        purpose="when a rejected one was emptied",
        retention=_KEEP,
        nullable=True,
    ),
    CheckConstraint("stars BETWEEN 1 AND 5", name="stars"),
    review_states.check(),
    Index("ix_reviews_state", "state", "id"),
    Index("ix_reviews_buyer_pseudonym", "buyer_pseudonym"),
    # The public page says how many were received and rejected, from this alone.
    partial_index("ix_reviews_counts", text("restricted_at IS NULL"), "shop_id", "state", "reason"),
)

publications = Table(
    "publications",
    metadata,
    column(
        "review_id",
        Id,
        ForeignKey("reviews.id"),
        purpose="of which review",
        retention=PUBLIC,
        primary_key=True,
    ),
    column(
        "shop_id", BigInteger, ForeignKey("shops.id"), purpose="on whose page", retention=PUBLIC
    ),
    column("stars", Integer, purpose="the score", retention=PUBLIC, category="published"),
    column("title", Text, purpose="what the buyer says", retention=PUBLIC, category="published"),
    column("text", Text, purpose="what the buyer says", retention=PUBLIC, category="published"),
    column(
        "name",
        Text,
        purpose="as the buyer chose to be named",
        retention=PUBLIC,
        category="published",
    ),
    column(
        "city",
        Text,
        purpose="as the buyer chose to show it",
        retention=PUBLIC,
        category="published",
    ),
    column("language", Text, purpose="language it is written in", retention=PUBLIC),
    column("verified", Boolean, purpose="whether an order stands behind it", retention=PUBLIC),
    column("experienced_at", Moment, purpose="date of the experience", retention=PUBLIC),
    column("published_at", Moment, purpose="date of publication", retention=PUBLIC),
    Index("ix_publications_newest", "shop_id", "published_at"),
    # The score of a part of a day is counted from it, a page of one number of stars found in it.
    Index("ix_publications_stars", "shop_id", "stars", "published_at"),
)

# Shown only beneath a publication: a restricted review keeps its reply, and both are hidden.
replies = Table(
    "replies",
    metadata,
    column(
        "review_id",
        Id,
        ForeignKey("reviews.id"),
        purpose="to which review",
        retention=REPLY,
        primary_key=True,
    ),
    column(
        "text",
        Text,
        purpose="what the shop answers in public",
        retention=REPLY,
        category="published",
    ),
    column("language", Text, purpose="language it is written in: the shop's", retention=REPLY),
    column("replied_at", Moment, purpose="date of the reply", retention=REPLY),
    column(
        "changed_at", Moment, purpose="when it was last changed", retention=REPLY, nullable=True
    ),
    column(
        "replied_by",
        Text,
        purpose="who wrote it last: staff id, or the command line",
        retention=REPLY,
        category="staff",
    ),
)
