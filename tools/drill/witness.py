"""A witness inside the database: triggers note each lease and each opt-out.

A lease counts when it led to the end of DATA; one that is given up where it is taken does not.
On SQLite their order is the order of commits. On PostgreSQL an opt-out counts as earlier than a
lease when the transaction that took the lease could see it.
"""

from collections import Counter

from sqlalchemy import delete, func, select, text, update

from trustsvc import clock
from trustsvc.crypto import pseudonyms
from trustsvc.mail.outbox.lease_renewal import MESSAGE_LEASE
from trustsvc.mail.outbox.models import circuit_breakers, domain_throttles, messages
from trustsvc.orders.request_models import privacy_requests
from trustsvc.registry.personal_data import opted_out_at
from trustsvc.storage import db
from trustsvc.storage.columns import EVERY_SHOP
from trustsvc.transactional_mail.enqueue import THE_SERVICE
from trustsvc.transactional_mail.models import transactional_messages

SQLITE = """
CREATE TABLE drill_events (id INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT, row_id INTEGER,
    pseudonym BLOB, shop_id INTEGER);
CREATE TABLE drill_people (order_id INTEGER, pseudonym BLOB, shop_id INTEGER);
CREATE TRIGGER drill_lease AFTER UPDATE OF state ON messages
    WHEN NEW.state = 'leased' AND OLD.state <> 'leased'
    BEGIN INSERT INTO drill_events (kind, row_id) VALUES ('leased', NEW.id); END;
CREATE TRIGGER drill_hand AFTER UPDATE OF state ON messages
    WHEN NEW.state = 'handed' AND OLD.state <> 'handed'
    BEGIN INSERT INTO drill_events (kind, row_id) VALUES ('handed', NEW.id); END;
CREATE TRIGGER drill_over AFTER UPDATE ON orders
    WHEN NEW.platform_status IN ('cancelled', 'refunded', 'returned', 'chargeback')
    AND OLD.platform_status NOT IN ('cancelled', 'refunded', 'returned', 'chargeback')
    BEGIN INSERT INTO drill_events (kind, row_id) VALUES ('over', NEW.id); END;
CREATE TRIGGER drill_out AFTER INSERT ON opt_outs
    BEGIN INSERT INTO drill_events (kind, pseudonym, shop_id)
        VALUES ('out', NEW.pseudonym, NEW.shop_id); END
"""

POSTGRESQL = """
CREATE TABLE drill_events (id bigserial PRIMARY KEY, kind text, row_id bigint, pseudonym bytea,
    shop_id bigint, xid xid8 DEFAULT pg_current_xact_id(),
    snap pg_snapshot DEFAULT pg_current_snapshot());
CREATE TABLE drill_people (order_id bigint, pseudonym bytea, shop_id bigint);
CREATE FUNCTION drill_note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF TG_ARGV[0] = 'out' THEN
        INSERT INTO drill_events (kind, pseudonym, shop_id)
            VALUES ('out', NEW.pseudonym, NEW.shop_id);
    ELSE INSERT INTO drill_events (kind, row_id) VALUES (TG_ARGV[0], NEW.id); END IF;
    RETURN NULL; END $$;
CREATE TRIGGER drill_lease AFTER UPDATE OF state ON messages FOR EACH ROW
    WHEN (NEW.state = 'leased' AND OLD.state <> 'leased') EXECUTE FUNCTION drill_note('leased');
CREATE TRIGGER drill_hand AFTER UPDATE OF state ON messages FOR EACH ROW
    WHEN (NEW.state = 'handed' AND OLD.state <> 'handed') EXECUTE FUNCTION drill_note('handed');
CREATE TRIGGER drill_over AFTER UPDATE ON orders FOR EACH ROW
    WHEN (NEW.platform_status IN ('cancelled', 'refunded', 'returned', 'chargeback')
    AND OLD.platform_status NOT IN ('cancelled', 'refunded', 'returned', 'chargeback'))
    EXECUTE FUNCTION drill_note('over');
CREATE TRIGGER drill_out AFTER INSERT ON opt_outs FOR EACH ROW EXECUTE FUNCTION drill_note('out')
"""

OPEN = """
SELECT (SELECT count(*) FROM orders WHERE state = 'received') +
    (SELECT count(*) FROM messages WHERE state IN ('due', 'leased', 'handed')) +
    (SELECT count(*) FROM privacy_requests)
"""

FOUND = """
SELECT o.id, o.shop_id, o.identity, o.state, i.state AS invitation, l.state AS message, l.reason,
    (SELECT count(*) FROM decision_log g WHERE g.order_id = o.id) AS lines
FROM orders o LEFT JOIN invitations i ON i.order_id = o.id
LEFT JOIN messages l ON l.subject_id = i.id AND l.kind IN ('invitation', 'reminder')
"""

AGAINST = """
SELECT count(*) FROM drill_events a JOIN messages l ON l.id = a.row_id
JOIN invitations i ON i.id = l.subject_id AND l.kind IN ('invitation', 'reminder')
WHERE a.kind = 'leased' AND 'handed' = (
    SELECT h.kind FROM drill_events h WHERE h.row_id = a.row_id AND h.id > a.id
    AND h.kind IN ('leased', 'handed') ORDER BY h.id LIMIT 1)
AND (EXISTS (
    SELECT 1 FROM drill_events b WHERE b.kind = 'over' AND b.row_id = i.order_id AND {before})
OR EXISTS (
    SELECT 1 FROM drill_people p JOIN drill_events b
        ON b.pseudonym = p.pseudonym AND b.shop_id = p.shop_id
    WHERE p.order_id = i.order_id AND b.kind = 'out' AND {before}))
"""


def begin():
    statements = SQLITE if db.is_sqlite() else POSTGRESQL
    with db.engine().connect() as connection:
        raw = connection.connection.driver_connection
        if db.is_sqlite():
            raw.executescript(statements)
        else:
            raw.execute(statements)
            raw.commit()


def open_rows():
    with db.reading() as session:
        return session.scalar(text(OPEN))


def hurry(mailer_killed_at):
    """Let what waits for a later try be due now, end leases of the dead, forget what failed.

    A lease that a mailer has renewed since the last one was killed is longer, and stays. Senders
    take what is due as ever. For the form of the tests, in which nobody waits for minutes.
    """
    with db.transaction() as session:
        leased = update(messages).where(messages.c.state.in_(("leased", "handed")))
        of_dead = leased.where(messages.c.leased_until < mailer_killed_at + MESSAGE_LEASE)
        session.execute(of_dead.values(leased_until=clock.now()))
        due = update(messages).where(messages.c.state == "due", messages.c.due_at > clock.now())
        session.execute(due.values(due_at=clock.now()))
        session.execute(update(privacy_requests).values(due_at=clock.now()))
        session.execute(delete(circuit_breakers))
        session.execute(delete(domain_throttles))


def message_states():
    with db.reading() as session:
        rows = session.execute(text("SELECT state, count(*) FROM messages GROUP BY state"))
        return Counter({row[0]: row[1] for row in rows})


def count_sender_died():
    with db.reading() as session:
        unknown = (messages.c.state == "unknown") & (messages.c.reason == "sender_died")
        return session.scalar(select(func.count()).select_from(messages).where(unknown))


def rows_of_orders(shop_ids, orders):
    """Give what became of each order, by its number; a list, because each must be there once."""
    of = {
        pseudonyms.text_pseudonym(shop_ids[order.shop], order.reference): order.number
        for order in orders
    }
    rows = {}
    with db.reading() as session:
        for row in session.execute(text(FOUND)):
            rows.setdefault(of.get(bytes(row.identity)), []).append(row)
    return rows


def answers_to(shop_ids, orders):
    """Count the answers to each order's privacy request, by its number: links, or the opt-out."""
    answers = {}
    with db.reading() as session:
        for order in orders:
            if order.kind == "sees":
                reader = transactional_messages.c.recipient_pseudonym.in_(
                    pseudonyms.shop_pseudonyms(THE_SERVICE, order.email)
                )
                links = reader & (transactional_messages.c.template == "my_data_link")
                found = select(func.count()).select_from(transactional_messages).where(links)
                answers[order.number] = session.scalar(found)
            else:
                here = pseudonyms.shop_pseudonyms(shop_ids[order.shop], order.email)
                answers[order.number] = int(opted_out_at(session, here) is not None)
    return answers


def count_against_opt_outs(shop_ids, orders, rows):
    """Count the leases taken after the buyer's opt-out or the order's end was committed."""
    people = []
    for order in orders:
        for row in rows.get(order.number, []):
            known = [(m, EVERY_SHOP) for m in pseudonyms.registry_pseudonyms(order.email)]
            shop_id = shop_ids[order.shop]
            known += [(m, shop_id) for m in pseudonyms.shop_pseudonyms(shop_id, order.email)]
            people += [{"o": row.id, "m": pseudonym, "s": shop} for pseudonym, shop in known]
    before = "b.id < a.id" if db.is_sqlite() else "pg_visible_in_snapshot(b.xid, a.snap)"
    with db.transaction() as session:
        session.execute(text("INSERT INTO drill_people VALUES (:o, :m, :s)"), people)
        session.execute(
            text("CREATE INDEX drill_by_pseudonym ON drill_events (pseudonym, shop_id)")
        )
        session.execute(text("CREATE INDEX drill_by_order ON drill_people (order_id)"))
        session.execute(text("CREATE INDEX drill_by_row ON drill_events (row_id)"))
        return session.scalar(text(AGAINST.format(before=before)))
