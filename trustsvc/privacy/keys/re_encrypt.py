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
from sqlalchemy import Table

from trustsvc.crypto.encrypted_column import EncryptedType
from trustsvc.invitations.models import invitations
from trustsvc.mail.feedback.models import mail_endpoints
from trustsvc.orders.catch_up.models import api_connections
from trustsvc.orders.models import orders
from trustsvc.orders.request_models import privacy_requests
from trustsvc.privacy.models import my_data_links
from trustsvc.registry.models import form_objections, pending_registrations, registered_buyers
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
    invitations,
    registered_buyers,
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
            renewed += _write_batch(table, rows)
            seen += len(rows)
            yield TableProgress(table.name, seen, max(total, seen), renewed)
    vacuum.scrub()


def count_key_versions() -> dict[int | None, int]:
    """Count the values of each key version; None for values that no key decrypts."""
    count: Counter[int | None] = Counter()
    for table in TABLES:
        kinds = _kinds(table)
        for rows in _batches(_as_stored(table)):
            count.update(
                kind.key_version_of(value)
                for row in rows
                for kind, value in zip(kinds, row[1:], strict=True)
                if value
            )
    return dict(count)


def _as_stored(table: Table) -> sa.TableClause:
    """Give the table as stored: its primary key, then its encrypted columns."""
    (key,) = table.primary_key
    encrypted = [
        sa.column(c.name, c.type.impl_instance)
        for c in table.columns
        if isinstance(c.type, EncryptedType)
    ]
    return sa.table(table.name, sa.column(key.name), *encrypted)


def _kinds(table: Table) -> list[EncryptedType[Any]]:
    return [c.type for c in table.columns if isinstance(c.type, EncryptedType)]


def _batches(stored: sa.TableClause) -> Iterator[Sequence[Any]]:
    key, *_ = stored.columns
    statement = sa.select(*stored.columns).order_by(key).limit(BATCH_SIZE)
    last = None
    while True:
        with db.reading() as session:
            rows = session.execute(statement if last is None else statement.where(key > last)).all()
        if not rows:
            return
        yield rows
        last = rows[-1][0]


def _write_batch(table: Table, rows: Sequence[Any]) -> int:
    stored = _as_stored(table)
    key, *encrypted = stored.columns
    done = 0
    changes = {
        at: [
            {"row_key": row[0], "old": row[at], "new": new}
            for row in rows
            if row[at] and (new := kind.re_encrypted(row[at]))
        ]
        for at, kind in enumerate(_kinds(table), 1)
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
                    .values({column.name: sa.bindparam("new", type_=column.type)})
                )
                session.connection().execute(update, values)
                done += len(values)
    return done
