"""Restrictions, the register of requests, what is asked and not answered yet, links to one's data."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

OPEN = sa.text("state = 'open'")


def _id() -> sa.Column:
    kind = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    return sa.Column("id", kind, nullable=False)


def upgrade() -> None:
    op.create_table(
        "restrictions",
        sa.Column("mark", sa.LargeBinary(), nullable=False),
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("mark", "shop_id", name=op.f("pk_restrictions")),
        sqlite_with_rowid=False,
    )
    op.add_column("reviews", sa.Column("frozen_at", sa.BigInteger(), nullable=True))
    op.add_column("reviews", sa.Column("shown_at", sa.BigInteger(), nullable=True))
    op.create_index("ix_reviews_buyer", "reviews", ["buyer"])
    op.create_table(
        "asks",
        _id(),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.Column("address", sa.LargeBinary(), nullable=True),
        sa.Column("orders", sa.LargeBinary(), nullable=True),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("asked_at", sa.BigInteger(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "kind IN ('my_data', 'object', 'tell', 'forget', 'forget_shop')",
            name=op.f("ck_asks_kind"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_asks")),
    )
    op.create_index(op.f("ix_asks_asked_at"), "asks", ["asked_at"])
    op.create_index(op.f("ix_asks_due_at"), "asks", ["due_at"])
    op.create_table(
        "requests",
        _id(),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("by", sa.Text(), nullable=True),
        sa.Column("ground", sa.Text(), nullable=True),
        sa.Column("asked_at", sa.BigInteger(), nullable=False),
        sa.Column("settled_at", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("state IN ('open', 'done', 'refused')", name=op.f("ck_requests_state")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_requests")),
    )
    op.create_index("ix_requests_settled_at", "requests", ["settled_at"])
    op.create_index(
        "ix_requests_open", "requests", ["asked_at"], sqlite_where=OPEN, postgresql_where=OPEN
    )
    op.create_table(
        "me_links",
        sa.Column("link", sa.LargeBinary(), nullable=False),
        sa.Column("who", sa.LargeBinary(), nullable=False),
        sa.Column("address", sa.LargeBinary(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("copy", sa.LargeBinary(), nullable=True),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("link", name=op.f("pk_me_links")),
    )
    op.create_index(op.f("ix_me_links_who"), "me_links", ["who"])
    op.create_index(op.f("ix_me_links_at"), "me_links", ["at"])


def downgrade() -> None:
    for table in ("me_links", "requests", "asks"):
        op.drop_table(table)
    op.drop_index("ix_reviews_buyer", "reviews")
    op.drop_column("reviews", "shown_at")
    op.drop_column("reviews", "frozen_at")
    op.drop_table("restrictions")
