"""A long history: one life of an order, as the use cases write it, copied many times in SQL."""

from sqlalchemy import LargeBinary, text

from tests.invitations import sample_orders
from trustsvc.crypto.encrypted_column import EncryptedText
from trustsvc.invitations.models import invitations
from trustsvc.mail.outbox.models import messages
from trustsvc.orders.models import decisions, orders
from trustsvc.reviews import moderate, publish, star_counts, submit
from trustsvc.reviews.models import publications, reviews
from trustsvc.reviews.policy import ReviewInput
from trustsvc.storage import db
from trustsvc.storage.columns import Moment
from trustsvc.storage.event_log import events

APART = 1000  # between the ids of one copy and those of the next
STARS = 5
DAYS = 60  # younger than any limit of retention
# Parents first. Which columns name a row of another table, and move with it.
COPIED = (orders, decisions, invitations, messages, reviews, publications, events)
ANSWERS = (reviews, publications)
NAMES_A_ROW = {"id", "order_id", "invitation_id", "subject_id", "review_id", "subject"}


def write(copies, now, answered=1):
    """Write down `copies` + 1 orders that were asked; one of `answered` was answered, published."""
    shop = sample_orders.shop(reminder_days=3)
    order = sample_orders.invited(shop, now)
    sample_orders.sent(now=now)
    link = sample_orders.invitation_of(order).link
    with sample_orders.quiet(), db.transaction() as session:
        review = ReviewInput(STARS, "Snel", "Heel aangekomen.", "Jan J.", "Delft", consent=True)
        public_id = submit.submit(session, link, review, now)
        moderate.approve(session, public_id, "staff 1", now)
        publish.publish_approved(session, now)
    extend(shop, 0, copies, answered)
    return shop


def extend(shop, written, copies, answered=1):
    """Write down more copies, after the first `written`, till there are `copies` of them."""
    with db.transaction() as session:
        for table in COPIED:
            share = answered if table in ANSWERS else 1
            _copy(session, table, written // share + 1, copies // share)
        star_counts.recount(session, [shop.id])


def count_on(connection, table):
    """Have PostgreSQL number the next rows after those that were copied."""
    key = table.primary_key.columns[0].name
    sequence = f"pg_get_serial_sequence('{table.name}', '{key}')"
    connection.execute(text(f"SELECT setval({sequence}, max({key})) FROM {table.name}"))


def _copy(session, table, first, last):
    columns = {column.name: _copied(column, "n.value") for column in table.columns}
    key = table.primary_key.columns[0].name
    session.execute(
        text(
            f"INSERT INTO {table.name} ({', '.join(columns)}) WITH RECURSIVE n(value) AS "
            f"(SELECT {first} UNION ALL SELECT value + 1 FROM n WHERE value < {last}) "
            f"SELECT {', '.join(columns.values())} FROM {table.name}, n WHERE {key} < {APART}"
        )
    )


def _copied(column, n):
    name = f"{column.table.name}.{column.name}"
    if column.name in NAMES_A_ROW:
        return f"{name} + {n} * {APART}"
    if isinstance(column.type, Moment):
        return f"{name} - CAST({n} AS BIGINT) * 7919 % {DAYS * 86_400} * 1000"
    if _is_bytes(column):
        return f"CASE WHEN {name} IS NULL THEN NULL ELSE {_random()} END"
    if column.unique or column.name == "identity":
        return f"{name} || {n}"
    return name


def _is_bytes(column):
    kind = getattr(column.type, "impl_instance", column.type)
    is_text = isinstance(column.type, EncryptedText)  # pages decrypt it
    return isinstance(kind, LargeBinary) and not is_text


def _random():
    return "randomblob(16)" if db.is_sqlite() else "decode(md5(random()::text), 'hex')"
