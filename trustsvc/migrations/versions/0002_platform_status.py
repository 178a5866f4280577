"""The platform's status of an order has the field's name: it was called standing."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _rename("standing", "platform_status")


def downgrade() -> None:
    _rename("platform_status", "standing")


def _rename(old: str, new: str) -> None:
    op.execute(f"ALTER TABLE orders RENAME COLUMN {old} TO {new}")
    op.execute(f"ALTER TABLE orders RENAME COLUMN {old}_at TO {new}_at")
    # SQLite cannot rename a constraint, and nothing refers to its name.
    if op.get_bind().dialect.name == "postgresql":
        op.execute(f"ALTER TABLE orders RENAME CONSTRAINT ck_orders_{old} TO ck_orders_{new}")
    log = sa.table("decision_log", sa.column("step"), sa.column("rule"))
    is_old = (log.c.step == "accept") & (log.c.rule == old)
    op.execute(sa.update(log).where(is_old).values(rule=new))
