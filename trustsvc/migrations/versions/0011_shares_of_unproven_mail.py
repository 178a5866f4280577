"""Messages to typed addresses by network; what a privacy request waits for; objections kept."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("transactional_messages", sa.Column("network", sa.LargeBinary(), nullable=True))
    op.add_column(
        "privacy_requests",
        sa.Column("everywhere", sa.Boolean(), server_default=sa.false(), nullable=False),
    )
    op.execute(
        "ALTER TABLE privacy_requests ADD COLUMN waits_for TEXT"
        " CONSTRAINT ck_privacy_requests_waits_for CHECK (waits_for IN ('look', 'limit'))"
    )
    op.add_column("privacy_requests", sa.Column("waits_since", sa.BigInteger(), nullable=True))
    # Held by a version before: for a day, to the millisecond.
    op.execute(
        "UPDATE privacy_requests SET waits_for = 'look' WHERE kind = 'object' AND attempts = 0"
        " AND network IS NOT NULL AND due_at = requested_at + 86400000"
    )
    op.add_column(
        "form_objections",
        sa.Column("is_kept", sa.Boolean(), server_default=sa.false(), nullable=False),
    )


def downgrade() -> None:
    op.drop_column("form_objections", "is_kept")
    op.drop_column("privacy_requests", "waits_since")
    op.drop_column("privacy_requests", "waits_for")
    op.drop_column("privacy_requests", "everywhere")
    op.drop_column("transactional_messages", "network")
