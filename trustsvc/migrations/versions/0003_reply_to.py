"""Shops get an address for answers of buyers.

Revision ID: 0003
Revises: 0002
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("shops", sa.Column("reply_to", sa.Text(), server_default="", nullable=False))


def downgrade() -> None:
    op.drop_column("shops", "reply_to")
