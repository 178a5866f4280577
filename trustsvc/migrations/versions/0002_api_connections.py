"""API credentials of shops, to catch up with orders whose webhooks never arrived."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "api_connections",
        sa.Column("shop_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("base_url", sa.Text(), nullable=False),
        sa.Column("api_key", sa.LargeBinary(), nullable=False),
        sa.Column("api_secret", sa.LargeBinary(), nullable=False),
        sa.Column("connected_at", sa.BigInteger(), nullable=False),
        sa.Column("seen_until", sa.BigInteger(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("lease", sa.LargeBinary(), nullable=True),
        sa.Column("leased_until", sa.BigInteger(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("last_run_at", sa.BigInteger(), nullable=True),
        sa.Column("failing_since", sa.BigInteger(), nullable=True),
        sa.Column("problem", sa.Text(), nullable=True),
        sa.Column("webhook_status", sa.Text(), nullable=False),
        sa.Column("webhooks_enabled_at", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "problem IN ('unauthorised', 'not_found', 'rate_limited', 'unavailable', 'unreachable', 'redirected', 'unreadable', 'too_large')",
            name=op.f("ck_api_connections_problem"),
        ),
        sa.CheckConstraint(
            "webhook_status IN ('unknown', 'active', 'enabled', 'disabled', 'paused', 'missing', 'hidden')",
            name=op.f("ck_api_connections_webhook_status"),
        ),
        sa.ForeignKeyConstraint(["shop_id"], ["shops.id"], name=op.f("fk_api_connections_shop_id")),
        sa.PrimaryKeyConstraint("shop_id", name=op.f("pk_api_connections")),
    )
    op.create_index(op.f("ix_api_connections_due_at"), "api_connections", ["due_at"], unique=False)


def downgrade() -> None:
    op.drop_table("api_connections")
