"""Two shops with everything a shop can have, and whatever of the one the other could try."""

import json
import secrets
from dataclasses import dataclass, field
from datetime import timedelta

from sqlalchemy import select, text, update

from tests import all_tables
from tests.invitations import sample_orders
from tests.privacy.rights import my_data_pages
from trustsvc import clock, config
from trustsvc.badge import refresh
from trustsvc.badge.page import profile
from trustsvc.crypto import signed_links
from trustsvc.mail.feedback.webhooks import endpoints
from trustsvc.mail.outbox.models import messages
from trustsvc.orders.models import orders
from trustsvc.privacy import request_log
from trustsvc.privacy.documents import notice_history
from trustsvc.privacy.rights import confirmation, people
from trustsvc.registry import double_opt_in, registration
from trustsvc.registry.models import registered_buyers
from trustsvc.registry.opt_out import opt_out
from trustsvc.reviews import lookup, moderate, publish, reply, submit
from trustsvc.reviews.models import publications, reviews
from trustsvc.reviews.policy import ReviewInput
from trustsvc.shops.models import shops
from trustsvc.storage import db
from trustsvc.storage.columns import metadata
from trustsvc.transactional_mail.models import transactional_messages

# What counts by itself, whoever asks.
COUNTS = {"security_entries", "heartbeats", "clock_states"}


@dataclass
class Mine:
    """A shop, and what it or its people know: (kind of id, its value), and words to look for."""

    shop: object
    word: str
    secret: str
    ids: list = field(default_factory=list)

    def of(self, kind):
        return next(value for known, value in self.ids if known == kind)


def make(word):
    """Make a shop with orders in all states, messages, reviews, registrations, opt-outs, papers."""
    made = sample_orders.shop(name=f"{word} Zqx", reminder_days=3)
    now = clock.now()
    mine = Mine(made, word, _secret(made.id))
    published = _order(mine, "published", now)
    _reviewed(published, word, now, published=True)
    waiting = _order(mine, "waiting", now)
    _reviewed(waiting, word, now, published=False)
    asked = _order(mine, "asked", now)
    sample_orders.sent(now=now)
    new = _order(mine, "new", now, planned=False)
    with sample_orders.quiet(), db.transaction() as session:
        session.execute(update(shops).where(shops.c.id == made.id).values(proven_at=now))
        _papers(session, made, word, now)
        _, endpoint_id = endpoints.add(session, "postmark", None, now)
        mine.ids += _people(session, mine, now)
        refresh.refresh(session, [made.id], now)
    invitation = sample_orders.invitation_of(asked)
    mine.ids += [
        ("slug", made.slug),
        ("endpoint_id", made.endpoint_id),
        ("mail endpoint", endpoint_id),
        ("number", str(made.id)),
        *(("number", str(number)) for number in (published, waiting, asked, new, invitation.id)),
        ("link id", invitation.link.hex()),
        *_links(invitation.link),
        *_reviews(made.id),
        ("file", f"{made.slug}.json"),
    ]
    return mine


def fresh(mine):
    """Give ids of a shop that nobody used up yet, by kind."""
    order = _order(mine, "more", clock.now())
    sample_orders.sent(now=clock.now())
    link = sample_orders.invitation_of(order).link
    written = _order(mine, "decided", clock.now())
    _reviewed(written, mine.word, clock.now(), published=False)
    shown = _order(mine, "shown", clock.now())
    _reviewed(shown, mine.word, clock.now(), published=True)
    with sample_orders.quiet(), db.transaction() as session:
        found = _people(session, mine, clock.now())
        review = lookup.find_by_invitation(session, sample_orders.invitation_of(written).id)
        public = lookup.find_by_invitation(session, sample_orders.invitation_of(shown).id)
    return {"slug": mine.shop.slug, "endpoint_id": mine.shop.endpoint_id, "version": "1"} | dict(
        [
            *_links(link),
            *found,
            ("written", signed_links.token("review", my_data_pages.link(written))),
            ("review id", review.id),
            ("published", public.id),
            ("text version", review.version),
        ]
    )


def _order(mine, what, now, *, planned=True):
    place = sample_orders.invited if planned else sample_orders.place
    mark = f"{mine.word.lower()}-{what}-{secrets.token_hex(4)}"
    return place(
        mine.shop,
        now,
        email=f"{mark}@{mine.word.lower()}-buyers.example",
        name=f"{mine.word} Buyer",
        identity=f"{mine.word}-{mark}",
        webhook_delivery_id=mark,
    )


def _reviewed(order, word, now, *, published):
    review = ReviewInput(
        5, f"{word} title", f"{word} text", f"{word} J.", f"{word} city", consent=True
    )
    with sample_orders.quiet(), db.transaction() as session:
        public_id = submit.submit(session, my_data_pages.link(order), review, now)
        if published:
            moderate.approve(session, public_id, "staff 1", now)
            publish.publish_approved(session, now)
            reply.write_reply(session, public_id, f"{word} answers.", "staff 1", now)


def _papers(session, made, word, now):
    changed = [
        one
        for one in notice_history.changed_notices(session, config.current())
        if one.shop_id == made.id
    ]
    notice_history.record(session, changed, now)
    # Only Bravissimo's have a second version: of another shop's it must not be an answer.
    if word == "Bravissimo":
        words = dict.fromkeys(changed[0].texts, f"<p>{word} old</p>")
        again = notice_history.NoticeChange(made.id, 2, b"", words)
        notice_history.record(session, [again], now - timedelta(days=1))


def _people(session, mine, now):
    """Have people ask, register, object; gives the ids inside the links they got by mail."""
    domain = f"{mine.word.lower()}-people.example"
    some = [f"{name}-{secrets.token_hex(4)}@{domain}" for name in ("asks", "member", "out")]
    double_opt_in.request_registration(
        session, double_opt_in.RegistrationRequest(some[0], mine.shop.id, "nl", "page"), now
    )
    registration.register(session, some[1], "v1", "page", now)
    opt_out(session, some[2], mine.shop.id, "stop", now)
    row = session.execute(
        select(orders.c.email).where(orders.c.shop_id == mine.shop.id, orders.c.email.is_not(None))
    ).first()
    asked = confirmation.my_data_link(session, people.by_address(session, row.email), now)
    request = request_log.record_open(session, "erase", mine.shop.id, now)
    mails = transactional_messages.c
    confirms = session.scalar(
        select(mails.facts).where(mails.template == "register").order_by(mails.id.desc()).limit(1)
    )
    member = session.scalar(
        select(registered_buyers.c.link).where(
            registered_buyers.c.link == registration.leave_link_id(session, some[1])
        )
    )
    return [
        ("register", json.loads(confirms)["link"].rpartition("/")[2]),
        ("leave", signed_links.token("leave", member)),
        ("me", asked.rpartition("/")[2]),
        ("request", str(request)),
    ]


def _links(link):
    """Give the message's tokens; and its id behind the signature of another one."""
    for purpose in ("review", "stop", "me"):
        token = signed_links.token(purpose, link)
        foreign = signed_links.token(purpose, signed_links.new_id())
        yield purpose, token
        yield "forged", token.partition(".")[0] + "." + foreign.partition(".")[2]


def _reviews(shop_id):
    with db.reading() as session:
        rows = session.execute(select(reviews).where(reviews.c.shop_id == shop_id)).all()
        line = session.execute(select(publications).where(publications.c.shop_id == shop_id)).one()
        tokens = session.scalars(select(messages.c.token).where(messages.c.shop_id == shop_id))
        newest = session.scalar(select(messages.c.id).order_by(messages.c.id.desc()).limit(1))
        found = [("review id", row.public_id) for row in rows] + [("number", str(newest))]
        found += [("number", str(row.id)) for row in rows]
        found += [("code", token.hex()) for token in tokens]
        return [*found, ("place in a list", profile._key(line))]


def _secret(shop_id):
    with db.reading() as session:
        return session.scalar(select(shops.c.secret).where(shops.c.id == shop_id))


def everything():
    """Give each row of each table as the database has it: what was written shows in it."""
    all_tables.load()
    found = set()
    with db.engine().connect() as connection:
        for table in metadata.sorted_tables:
            if table.name in COUNTS:
                continue
            names = ", ".join(f'"{column.name}"' for column in table.columns)
            rows = connection.execute(text(f'SELECT {names} FROM "{table.name}"'))
            found |= {(table.name, *map(_plain, row)) for row in rows}
    return found


def files():
    """Give what lies in the data folder beside the database and its logs."""
    folder = config.current().data
    return {
        (str(path.relative_to(folder)), path.read_bytes())
        for path in folder.rglob("*")
        if path.is_file() and "log" not in path.parts and "trustsvc.db" not in path.name
    }


def _plain(value):
    return bytes(value) if isinstance(value, memoryview) else value


def of_shop(rows, shop_id):
    """Give the rows that name this shop."""
    all_of = {table.name: table for table in metadata.sorted_tables}
    found = []
    for name, *values in rows:
        columns = [column.name for column in all_of[name].columns]
        if "shop_id" in columns and values[columns.index("shop_id")] == shop_id:
            found.append((name, *values))
    return found
