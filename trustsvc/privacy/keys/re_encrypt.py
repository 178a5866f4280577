"""Seal every sealed column anew with the newest key of the vault, while everything runs.

In bites by the row's id: read, sealed anew outside of any transaction, and put in place only where
nobody changed the column meanwhile (that was done with the newest key then). Both keys open
everything all the while. Killed half-way, the next run passes quickly over what is done.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy import LargeBinary, Table

from trustsvc.crypto import encrypted_column
from trustsvc.invitations.models import mail_endpoints
from trustsvc.orders.models import orders, privacy_requests
from trustsvc.privacy.models import my_data_links
from trustsvc.registry.models import pending_registrations
from trustsvc.reviews.models import reviews
from trustsvc.server_log.models import security_entries
from trustsvc.shops.models import shops
from trustsvc.staff.models import staff
from trustsvc.storage import db, vacuum
from trustsvc.transactional_mail.models import correspondence

TABLES = (
    shops,
    correspondence,
    pending_registrations,
    privacy_requests,
    my_data_links,
    staff,
    orders,
    mail_endpoints,
    reviews,
    security_entries,
)
BITE = 500


@dataclass(frozen=True, slots=True)
class TableProgress:
    """How far a table is: rows looked at, of how many, and columns sealed anew."""

    table: str
    seen: int
    total: int
    renewed: int


def re_encrypt_all() -> Iterator[TableProgress]:
    """Seal anew what was sealed with an older key; says how far it is after each bite.

    At the end nothing sealed with the older key is left in the write-ahead log or in a freed page.
    """
    for table in TABLES:
        plain = _plain(table)
        with db.reading() as session:
            total = session.scalar(sa.select(sa.func.count()).select_from(plain)) or 0
        seen = renewed = 0
        for rows in _bites(plain):
            renewed += _put(plain, rows)
            seen += len(rows)
            yield TableProgress(table.name, seen, max(total, seen), renewed)
    vacuum.scrub()


def count_key_versions() -> dict[int | None, int]:
    """Count what each version of the key opens; None for what opens no more."""
    count: Counter[int | None] = Counter()
    for table in TABLES:
        for rows in _bites(_plain(table)):
            count.update(
                encrypted_column.key_version_of(value) for row in rows for value in row[1:] if value
            )
    return dict(count)


def _plain(table: Table) -> sa.TableClause:
    """The table without sealing: its key, then its sealed columns as the bytes they are."""
    (key,) = table.primary_key
    sealed = [c.name for c in table.columns if isinstance(c.type, encrypted_column.EncryptedText)]
    return sa.table(
        table.name, sa.column(key.name), *(sa.column(name, LargeBinary) for name in sealed)
    )


def _bites(plain: sa.TableClause) -> Iterator[Sequence[Any]]:
    key, *_ = plain.columns
    question = sa.select(*plain.columns).order_by(key).limit(BITE)
    last = None
    while True:
        with db.reading() as session:
            rows = session.execute(question if last is None else question.where(key > last)).all()
        if not rows:
            return
        yield [(row[0], *(bytes(value) if value else None for value in row[1:])) for row in rows]
        last = rows[-1][0]


def _put(plain: sa.TableClause, rows: Sequence[Any]) -> int:
    key, *sealed = plain.columns
    done = 0
    changes = {
        at: [
            {"row_key": row[0], "old": row[at], "new": new}
            for row in rows
            if row[at] and (new := encrypted_column.re_encrypted(row[at]))
        ]
        for at in range(1, len(sealed) + 1)
    }
    if not any(changes.values()):
        return 0
    with db.transaction() as session:
        for at, values in changes.items():
            if values:
                column = sealed[at - 1]
                statement = (
                    sa.update(plain)
                    .where(key == sa.bindparam("row_key"), column == sa.bindparam("old"))
                    .values({column.name: sa.bindparam("new", type_=LargeBinary)})
                )
                session.connection().execute(statement, values)
                done += len(values)
    return done
