"""Where the machine's clock was right last, so that a jump is found."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "clock_lines",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("boot", sa.Text(), nullable=False),
        sa.Column("steady", sa.BigInteger(), nullable=False),
        sa.Column("last_at", sa.BigInteger(), nullable=False),
        sa.Column("last_boot", sa.Text(), nullable=False),
        sa.Column("last_steady", sa.BigInteger(), nullable=False),
        sa.Column("doubt", sa.Text(), nullable=True),
        sa.Column("even", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_clock_lines")),
    )


def downgrade() -> None:
    op.drop_table("clock_lines")
