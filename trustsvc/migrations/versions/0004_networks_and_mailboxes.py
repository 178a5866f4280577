"""Count privacy requests by network, and messages by mailbox."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("privacy_requests", sa.Column("network", sa.LargeBinary(), nullable=True))
    op.create_index(
        "ix_privacy_requests_shop_id", "privacy_requests", ["shop_id", "network"], unique=False
    )
    op.add_column("transactional_messages", sa.Column("mailbox", sa.LargeBinary(), nullable=True))
    op.create_index(
        "ix_transactional_messages_mailbox",
        "transactional_messages",
        ["mailbox", "template", "created_at"],
        unique=False,
    )


def downgrade() -> None:
    op.drop_index("ix_transactional_messages_mailbox", table_name="transactional_messages")
    op.drop_column("transactional_messages", "mailbox")
    op.drop_index("ix_privacy_requests_shop_id", table_name="privacy_requests")
    op.drop_column("privacy_requests", "network")
