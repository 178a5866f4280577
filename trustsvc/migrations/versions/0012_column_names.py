"""Columns and codes are named after what they hold."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

COLUMNS = (
    ("orders", "claims", "merge_state"),
    ("orders", "buyer", "buyer_pseudonym"),
    ("request_log", "settled_at", "answered_at"),
)
INDEXES = (
    ("ix_orders_buyer", "ix_orders_buyer_pseudonym", "orders", ["shop_id", "buyer_pseudonym"]),
    ("ix_request_log_settled_at", "ix_request_log_answered_at", "request_log", ["answered_at"]),
)


def upgrade() -> None:
    for table, old, new in COLUMNS:
        op.execute(f"ALTER TABLE {table} RENAME COLUMN {old} TO {new}")
    for old, new, table, columns in INDEXES:
        _rename_index(old, new, table, columns)
    _rename_codes(forward=True)


def downgrade() -> None:
    _rename_codes(forward=False)
    for table, old, new in COLUMNS:
        op.execute(f"ALTER TABLE {table} RENAME COLUMN {new} TO {old}")
    columns_of = {"orders": ["shop_id", "buyer"], "request_log": ["settled_at"]}
    for old, new, table, _ in INDEXES:
        _rename_index(new, old, table, columns_of[table])


def _rename_index(old: str, new: str, table: str, columns: list[str]) -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute(f"ALTER INDEX {old} RENAME TO {new}")
        return
    op.drop_index(old, table_name=table)
    op.create_index(new, table, columns)


def _rename_codes(*, forward: bool) -> None:
    log = sa.table("decision_log", sa.column("step"), sa.column("rule"))
    messages = sa.table("messages", sa.column("reason"))
    for table, column, where, (old, new) in (
        (log, log.c.rule, log.c.step == "send", ("again", "retry")),
        (messages, messages.c.reason, sa.true(), ("not_written", "not_composed")),
    ):
        before, after = (old, new) if forward else (new, old)
        op.execute(sa.update(table).where(where, column == before).values({column.name: after}))
