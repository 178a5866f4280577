"""Registration by double opt-in: requests that wait, the proof of consent, a way out."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "registrations",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("link", sa.LargeBinary(), nullable=False),
        sa.Column("address", sa.LargeBinary(), nullable=True),
        sa.Column("who", sa.LargeBinary(), nullable=True),
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.Column("wording", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("asked_at", sa.BigInteger(), nullable=False),
        sa.Column("confirmed_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_registrations")),
        sa.UniqueConstraint("link", name=op.f("uq_registrations_link")),
    )
    op.create_index(op.f("ix_registrations_asked_at"), "registrations", ["asked_at"])
    op.create_index("ix_registrations_who", "registrations", ["who"])
    op.create_table(
        "wordings",
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("version", "language", name=op.f("pk_wordings")),
    )
    op.add_column("registered", sa.Column("language", sa.Text(), nullable=True))
    op.add_column("registered", sa.Column("asked_at", sa.BigInteger(), nullable=True))
    op.add_column("registered", sa.Column("link", sa.LargeBinary(), nullable=True))
    op.create_index("ix_registered_link", "registered", ["link"], unique=True)


def downgrade() -> None:
    op.drop_index("ix_registered_link", table_name="registered")
    for name in ("link", "asked_at", "language"):
        op.drop_column("registered", name)
    op.drop_table("wordings")
    op.drop_table("registrations")
