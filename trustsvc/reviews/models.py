"""The reviews' tables: what was written (sealed), what is published of it, the shop's reply."""

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
from trustsvc.storage.columns import Id, Moment, column, metadata

KEEP = "review"
PUBLIC = "publication"
REPLY = "reply"

NOT_FROZEN = text("frozen_at IS NULL")

# pending: waits for staff · approved: waits for publish_reviews · published · rejected · withdrawn
reviews = Table(
    "reviews",
    metadata,
    column("id", Id, why="one review", keep=KEEP, primary_key=True),
    column("public_id", Text, why="names the review where people see it", keep=KEEP, unique=True),
    column("shop_id", BigInteger, ForeignKey("shops.id"), why="about which shop", keep=KEEP),
    column(
        "invitation_id",
        BigInteger,
        ForeignKey("invitations.id"),
        why="one review an invitation; proof that it is verified",
        keep=KEEP,
        unique=True,
        nullable=True,
    ),
    column("state", Text, why="what is to be done", keep=KEEP),
    column("stars", Integer, why="the score", keep=KEEP, holds="opinion"),
    column("title", EncryptedText, why="what the buyer says", keep=KEEP, holds="opinion"),
    column("text", EncryptedText, why="what the buyer says", keep=KEEP, holds="opinion"),
    column("name", EncryptedText, why="as the buyer wants to be named", keep=KEEP, holds="name"),
    column("city", EncryptedText, why="as the buyer wants it shown", keep=KEEP, holds="place"),
    column(
        "email",
        EncryptedText,
        why="clarification and rights, never shown",
        keep=KEEP,
        holds="address",
        nullable=True,
    ),
    column(
        "reference",
        EncryptedText,
        why="tie the review to its order",
        keep=KEEP,
        holds="order",
        nullable=True,
    ),
    column(
        "buyer",
        LargeBinary,
        why="find a person's reviews (the shop's keyed hash)",
        keep=KEEP,
        holds="pseudonym",
        nullable=True,
    ),
    column("language", Text, why="language it was written in", keep=KEEP, holds="detail"),
    column("consent", Boolean, why="may be published", keep=KEEP),
    column("consent_wording", Text, why="to what the author agreed, by version", keep=KEEP),
    column("experienced_at", Moment, why="date of the experience", keep=KEEP),
    column("submitted_at", Moment, why="when it was written", keep=KEEP),
    column("edited_at", Moment, why="when it was last corrected", keep=KEEP, nullable=True),
    column("decided_at", Moment, why="when it was decided on", keep=KEEP, nullable=True),
    column(
        "decided_by",
        Text,
        why="who decided: staff id, or the command line",
        keep=KEEP,
        holds="staff",
        nullable=True,
    ),
    column("reason", Text, why="reason code of a rejection", keep=KEEP, nullable=True),
    column("frozen_at", Moment, why="restricted by its author", keep=KEEP, nullable=True),
    column(
        "shown_at",
        Moment,
        why="its date of publication, for after a restriction",
        keep=KEEP,
        nullable=True,
    ),
    column("emptied_at", Moment, why="when a rejected one was emptied", keep=KEEP, nullable=True),
    CheckConstraint("stars BETWEEN 1 AND 5", name="stars"),
    CheckConstraint(
        "state IN ('pending', 'approved', 'published', 'rejected', 'withdrawn')", name="state"
    ),
    Index("ix_reviews_state", "state", "id"),
    Index("ix_reviews_buyer", "buyer"),
    # The public page says how many were received and rejected, from this alone.
    Index(
        "ix_reviews_counts",
        "shop_id",
        "state",
        "reason",
        sqlite_where=NOT_FROZEN,
        postgresql_where=NOT_FROZEN,
    ),
)

publications = Table(
    "publications",
    metadata,
    column(
        "review_id",
        Id,
        ForeignKey("reviews.id"),
        why="of which review",
        keep=PUBLIC,
        primary_key=True,
    ),
    column("shop_id", BigInteger, ForeignKey("shops.id"), why="on whose page", keep=PUBLIC),
    column("stars", Integer, why="the score", keep=PUBLIC, holds="published"),
    column("title", Text, why="what the buyer says", keep=PUBLIC, holds="published"),
    column("text", Text, why="what the buyer says", keep=PUBLIC, holds="published"),
    column("name", Text, why="as the buyer chose to be named", keep=PUBLIC, holds="published"),
    column("city", Text, why="as the buyer chose to show it", keep=PUBLIC, holds="published"),
    column("language", Text, why="language it is written in", keep=PUBLIC),
    column("verified", Boolean, why="whether an order stands behind it", keep=PUBLIC),
    column("experienced_at", Moment, why="date of the experience", keep=PUBLIC),
    column("published_at", Moment, why="date of publication", keep=PUBLIC),
    Index("ix_publications_newest", "shop_id", "published_at"),
    # Scores are counted from it alone, and a page of one number of stars is found in it.
    Index("ix_publications_stars", "shop_id", "stars", "published_at"),
)

# Shown only beneath a published line: a restricted review keeps its reply, and neither is seen.
replies = Table(
    "replies",
    metadata,
    column(
        "review_id",
        Id,
        ForeignKey("reviews.id"),
        why="to which review",
        keep=REPLY,
        primary_key=True,
    ),
    column("text", Text, why="what the shop answers in public", keep=REPLY, holds="published"),
    column("language", Text, why="language it is written in: the shop's", keep=REPLY),
    column("replied_at", Moment, why="date of the reply", keep=REPLY),
    column("changed_at", Moment, why="when it was last changed", keep=REPLY, nullable=True),
    column(
        "replied_by",
        Text,
        why="who wrote it last: staff id, or the command line",
        keep=REPLY,
        holds="staff",
    ),
)
