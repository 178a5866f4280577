"""The numbers of publications by stars, which scores are read from."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "star_counts",
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.Column("stars", sa.Integer(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["shop_id"], ["shops.id"], name=op.f("fk_star_counts_shop_id")),
        sa.PrimaryKeyConstraint("shop_id", "stars", name=op.f("pk_star_counts")),
    )
    op.execute(
        "INSERT INTO star_counts (shop_id, stars, number) "
        "SELECT shop_id, stars, count(*) FROM publications GROUP BY shop_id, stars"
    )


def downgrade() -> None:
    op.drop_table("star_counts")
