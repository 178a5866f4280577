"""Deliveries counted by shop, day and answer, and the health of each shop's webhook."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "webhook_counts",
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.Column("day", sa.BigInteger(), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("first_at", sa.BigInteger(), nullable=False),
        sa.Column("last_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("shop_id", "day", "answer", name=op.f("pk_webhook_counts")),
    )
    op.create_index(op.f("ix_webhook_counts_day"), "webhook_counts", ["day"])
    op.create_table(
        "webhook_health",
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.Column("delivery_at", sa.BigInteger(), nullable=True),
        sa.Column("read_at", sa.BigInteger(), nullable=True),
        sa.Column("order_at", sa.BigInteger(), nullable=True),
        sa.Column("error_at", sa.BigInteger(), nullable=True),
        sa.Column("alarm", sa.Text(), nullable=True),
        sa.Column("alarm_since", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("shop_id", name=op.f("pk_webhook_health")),
    )


def downgrade() -> None:
    op.drop_table("webhook_health")
    op.drop_index(op.f("ix_webhook_counts_day"), table_name="webhook_counts")
    op.drop_table("webhook_counts")
