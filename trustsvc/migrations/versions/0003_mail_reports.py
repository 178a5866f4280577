"""What comes back about letters, and the doors at which providers say it."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "mail_reports",
        sa.Column("letter_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "kind IN ('delivered', 'delayed', 'soft', 'hard', 'complaint')",
            name=op.f("ck_mail_reports_kind"),
        ),
        sa.ForeignKeyConstraint(
            ["letter_id"], ["letters.id"], name=op.f("fk_mail_reports_letter_id")
        ),
        sa.PrimaryKeyConstraint("letter_id", "kind", name=op.f("pk_mail_reports")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_mail_reports_at"), "mail_reports", ["at"], unique=False)
    op.create_table(
        "mail_doors",
        sa.Column("door", sa.Text(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=False),
        sa.Column("topic", sa.Text(), nullable=True),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("door", name=op.f("pk_mail_doors")),
    )
    op.create_index("ix_letters_sent_at", "letters", ["sent_at"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_letters_sent_at", table_name="letters")
    op.drop_table("mail_doors")
    op.drop_index(op.f("ix_mail_reports_at"), table_name="mail_reports")
    op.drop_table("mail_reports")
