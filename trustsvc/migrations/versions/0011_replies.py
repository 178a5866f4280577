"""A shop's public replies; what its page counts and filters comes from an index."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

NOT_FROZEN = sa.text("frozen_at IS NULL")


def upgrade() -> None:
    op.create_table(
        "replies",
        sa.Column(
            "review_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("replied_at", sa.BigInteger(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=True),
        sa.Column("replied_by", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["review_id"], ["reviews.id"], name=op.f("fk_replies_review_id")),
        sa.PrimaryKeyConstraint("review_id", name=op.f("pk_replies")),
    )
    op.create_index("ix_publications_stars", "publications", ["shop_id", "stars", "published_at"])
    op.create_index(
        "ix_reviews_counts",
        "reviews",
        ["shop_id", "state", "reason"],
        sqlite_where=NOT_FROZEN,
        postgresql_where=NOT_FROZEN,
    )


def downgrade() -> None:
    op.drop_index("ix_reviews_counts", "reviews")
    op.drop_index("ix_publications_stars", "publications")
    op.drop_table("replies")
