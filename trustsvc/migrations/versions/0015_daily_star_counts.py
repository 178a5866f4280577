"""The numbers of publications by day and stars, which the score of a year is read from."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "daily_star_counts",
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.Column("day", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("stars", sa.Integer(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["shop_id"], ["shops.id"], name=op.f("fk_daily_star_counts_shop_id")
        ),
        sa.PrimaryKeyConstraint("shop_id", "day", "stars", name=op.f("pk_daily_star_counts")),
        sqlite_with_rowid=False,
    )
    op.execute(
        "INSERT INTO daily_star_counts (shop_id, day, stars, number) "
        "SELECT shop_id, published_at / 86400000, stars, count(*) FROM publications "
        "GROUP BY 1, 2, 3"
    )


def downgrade() -> None:
    op.drop_table("daily_star_counts")
