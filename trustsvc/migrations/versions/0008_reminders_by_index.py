"""Which sent messages are still to be followed up by a reminder, or by the decision on none."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

INDEX = "ix_messages_to_follow_up"
TO_FOLLOW_UP = sa.text("state = 'sent' AND NOT followed_up")


def upgrade() -> None:
    op.add_column(
        "messages",
        sa.Column("followed_up", sa.Boolean(), server_default=sa.false(), nullable=False),
    )
    op.execute(
        "UPDATE messages SET followed_up = true WHERE kind <> 'invitation' OR EXISTS ("
        "SELECT 1 FROM messages AS later "
        "WHERE later.subject_id = messages.subject_id AND later.kind = 'reminder')"
    )
    op.create_index(
        INDEX,
        "messages",
        ["kind", "shop_id", "sent_at"],
        sqlite_where=TO_FOLLOW_UP,
        postgresql_where=TO_FOLLOW_UP,
    )


def downgrade() -> None:
    op.drop_index(INDEX, "messages")
    op.drop_column("messages", "followed_up")
