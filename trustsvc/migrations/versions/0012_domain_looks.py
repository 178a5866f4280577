"""When a shop's domain was last looked at, and on how many days in a row its line was missing."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("shops", sa.Column("looked_at", sa.BigInteger(), nullable=True))
    op.add_column("shops", sa.Column("missed", sa.Integer(), server_default="0", nullable=False))


def downgrade() -> None:
    op.drop_column("shops", "missed")
    op.drop_column("shops", "looked_at")
