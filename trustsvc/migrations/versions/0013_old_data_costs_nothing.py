"""A shop's newest orders by an index, and what a notice was made from: no data changes."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_orders_shop", "orders", ["shop_id", "id"])
    op.add_column("notice_versions", sa.Column("inputs_digest", sa.LargeBinary(), nullable=True))


def downgrade() -> None:
    op.drop_column("notice_versions", "inputs_digest")
    op.drop_index("ix_orders_shop", table_name="orders")
