"""Objections by the page that takes any address: from where, so that a burst can be undone."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "form_objections",
        sa.Column("id", ID, nullable=False),
        sa.Column("pseudonym", sa.LargeBinary(), nullable=False),
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.Column("network", sa.LargeBinary(), nullable=False),
        sa.Column("shown_network", sa.LargeBinary(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_form_objections")),
    )
    op.create_index("ix_form_objections_at", "form_objections", ["at"], unique=False)
    op.create_index(
        "ix_form_objections_network", "form_objections", ["network", "at"], unique=False
    )
    op.create_index(
        op.f("ix_form_objections_pseudonym"), "form_objections", ["pseudonym"], unique=False
    )
    op.create_index(
        "ix_form_objections_shop_id", "form_objections", ["shop_id", "at"], unique=False
    )


def downgrade() -> None:
    op.drop_table("form_objections")
