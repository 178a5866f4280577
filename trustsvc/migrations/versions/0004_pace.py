"""How fast letters leave: a mail server that is away, a domain's pace, a shop's sudden volume."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for name in ("waited", "resent"):
        op.add_column("letters", sa.Column(name, sa.Integer(), server_default="0", nullable=False))
    op.create_index(op.f("ix_invitations_shop_created"), "invitations", ["shop_id", "created_at"])
    op.create_table(
        "mail_servers",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("opened", sa.Integer(), nullable=False),
        sa.Column("usual", sa.Integer(), nullable=False),
        sa.Column("open_until", sa.BigInteger(), nullable=True),
        sa.Column("probe", sa.LargeBinary(), nullable=True),
        sa.Column("closed_at", sa.BigInteger(), nullable=True),
        sa.Column("granted_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_mail_servers")),
    )
    op.create_table(
        "mail_domains",
        sa.Column("mark", sa.LargeBinary(), nullable=False),
        sa.Column("free_at", sa.BigInteger(), nullable=False),
        sa.Column("planned_until", sa.BigInteger(), nullable=False),
        sa.Column("strikes", sa.Integer(), nullable=False),
        sa.Column("quiet_until", sa.BigInteger(), nullable=True),
        sa.Column("forget_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("mark", name=op.f("pk_mail_domains")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_mail_domains_forget_at"), "mail_domains", ["forget_at"])
    op.create_table(
        "shop_brakes",
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.Column("usual", sa.Integer(), nullable=False),
        sa.Column("usual_at", sa.BigInteger(), nullable=False),
        sa.Column("counted", sa.Integer(), nullable=False),
        sa.Column("paused_at", sa.BigInteger(), nullable=True),
        sa.Column("real_until", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["shop_id"], ["shops.id"], name=op.f("fk_shop_brakes_shop_id")),
        sa.PrimaryKeyConstraint("shop_id", name=op.f("pk_shop_brakes")),
    )
    op.create_index(
        op.f("ix_letters_unknown"),
        "letters",
        ["sent_at"],
        sqlite_where=sa.text("state = 'unknown'"),
        postgresql_where=sa.text("state = 'unknown'"),
    )


def downgrade() -> None:
    op.drop_index(op.f("ix_letters_unknown"), "letters")
    op.drop_table("shop_brakes")
    op.drop_table("mail_domains")
    op.drop_table("mail_servers")
    op.drop_index(op.f("ix_invitations_shop_created"), "invitations")
    op.drop_column("letters", "resent")
    op.drop_column("letters", "waited")
