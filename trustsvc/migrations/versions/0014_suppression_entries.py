"""The suppression journal in the database; each host's file is taken over by its processes."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "suppression_entries",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.Column("subject", sa.LargeBinary(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_suppression_entries")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        op.f("ix_suppression_entries_subject"), "suppression_entries", ["subject"], unique=False
    )


def downgrade() -> None:
    op.drop_table("suppression_entries")
