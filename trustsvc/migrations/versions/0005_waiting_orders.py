"""Waiting orders of a shop are found by an index.

Revision ID: 0005
Revises: 0004
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

WAITING = sa.text("state = 'waiting'")


def upgrade() -> None:
    op.create_index(
        "ix_orders_waiting",
        "orders",
        ["shop_id"],
        unique=False,
        sqlite_where=WAITING,
        postgresql_where=WAITING,
    )


def downgrade() -> None:
    op.drop_index(
        "ix_orders_waiting",
        table_name="orders",
        sqlite_where=WAITING,
        postgresql_where=WAITING,
    )
