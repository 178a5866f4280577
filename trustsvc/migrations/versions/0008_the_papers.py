"""What people were told, who was shown whose data; names stay out of PostgreSQL's statistics."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

# ANALYZE copies the commonest values of a column into pg_statistic, where no DELETE finds them.
IN_CLEAR = ("title", "text", "name", "city")


def upgrade() -> None:
    op.create_table(
        "notice_versions",
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("announced_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["shop_id"], ["shops.id"], name=op.f("fk_notice_versions_shop_id")),
        sa.PrimaryKeyConstraint("shop_id", "version", "language", name=op.f("pk_notice_versions")),
    )
    op.create_table(
        "disclosures",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_disclosures")),
    )
    op.create_index(op.f("ix_disclosures_at"), "disclosures", ["at"], unique=False)
    _statistics(0)


def downgrade() -> None:
    _statistics(-1)
    op.drop_index(op.f("ix_disclosures_at"), table_name="disclosures")
    op.drop_table("disclosures")
    op.drop_table("notice_versions")


def _statistics(target: int) -> None:
    if op.get_bind().dialect.name != "postgresql":
        return
    for name in IN_CLEAR:
        op.execute(f"ALTER TABLE publications ALTER COLUMN {name} SET STATISTICS {target}")
