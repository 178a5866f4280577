"""Columns are named after what they hold: no data changes."""

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


def downgrade() -> None:
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
