"""Re-encrypt every encrypted column with the newest vault key, while the service runs.

In batches by primary key: read, re-encrypt outside a transaction, write only where the column is
unchanged (a change was encrypted with the newest key). Both keys decrypt meanwhile. After a kill
the next run passes quickly over what is done.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy import LargeBinary, Table

from trustsvc.crypto import encrypted_column
from trustsvc.mail.feedback.models import mail_endpoints
from trustsvc.orders.catch_up.models import api_connections
from trustsvc.orders.models import orders
from trustsvc.orders.request_models import privacy_requests
from trustsvc.privacy.models import my_data_links
from trustsvc.registry.models import form_objections, pending_registrations
from trustsvc.reviews.models import reviews
from trustsvc.server_log.models import security_entries
from trustsvc.shops.models import shops
from trustsvc.staff.models import staff
from trustsvc.storage import db, vacuum
from trustsvc.transactional_mail.models import transactional_messages

TABLES = (
    shops,
    transactional_messages,
    pending_registrations,
    privacy_requests,
    my_data_links,
    staff,
    orders,
    mail_endpoints,
    api_connections,
    reviews,
    security_entries,
    form_objections,
)
BATCH_SIZE = 500


@dataclass(frozen=True, slots=True)
class TableProgress:
    """How far a table is: rows read, of how many, and values re-encrypted."""

    table: str
    seen: int
    total: int
    renewed: int


def re_encrypt_all() -> Iterator[TableProgress]:
    """Re-encrypt what an older key encrypted; yields the progress after each batch.

    At the end nothing of the older key is left in the write-ahead log or in a freed page.
    """
    for table in TABLES:
        stored = _as_stored(table)
        with db.reading() as session:
            total = session.scalar(sa.select(sa.func.count()).select_from(stored)) or 0
        seen = renewed = 0
        for rows in _batches(stored):
            renewed += _write_batch(stored, rows)
            seen += len(rows)
            yield TableProgress(table.name, seen, max(total, seen), renewed)
    vacuum.scrub()


def count_key_versions() -> dict[int | None, int]:
    """Count the values of each key version; None for values that no key decrypts."""
    count: Counter[int | None] = Counter()
    for table in TABLES:
        for rows in _batches(_as_stored(table)):
            count.update(
                encrypted_column.key_version_of(value) for row in rows for value in row[1:] if value
            )
    return dict(count)


def _as_stored(table: Table) -> sa.TableClause:
    """Give the table as stored: its primary key, then its encrypted columns as bytes."""
    (key,) = table.primary_key
    encrypted = [
        c.name for c in table.columns if isinstance(c.type, encrypted_column.EncryptedText)
    ]
    return sa.table(
        table.name, sa.column(key.name), *(sa.column(name, LargeBinary) for name in encrypted)
    )


def _batches(stored: sa.TableClause) -> Iterator[Sequence[Any]]:
    key, *_ = stored.columns
    statement = sa.select(*stored.columns).order_by(key).limit(BATCH_SIZE)
    last = None
    while True:
        with db.reading() as session:
            rows = session.execute(statement if last is None else statement.where(key > last)).all()
        if not rows:
            return
        yield [(row[0], *(bytes(value) if value else None for value in row[1:])) for row in rows]
        last = rows[-1][0]


def _write_batch(stored: sa.TableClause, rows: Sequence[Any]) -> int:
    key, *encrypted = stored.columns
    done = 0
    changes = {
        at: [
            {"row_key": row[0], "old": row[at], "new": new}
            for row in rows
            if row[at] and (new := encrypted_column.re_encrypted(row[at]))
        ]
        for at in range(1, len(encrypted) + 1)
    }
    if not any(changes.values()):
        return 0
    with db.transaction() as session:
        for at, values in changes.items():
            if values:
                column = encrypted[at - 1]
                update = (
                    sa.update(stored)
                    .where(key == sa.bindparam("row_key"), column == sa.bindparam("old"))
                    .values({column.name: sa.bindparam("new", type_=LargeBinary)})
                )
                session.connection().execute(update, values)
                done += len(values)
    return done
