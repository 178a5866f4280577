"""A person with an order, an invitation and a published review, and the pages of the link."""

from sqlalchemy import select

from tests.invitations import sample_orders
from tests.invitations.sample_orders import NOON, Post, quiet
from trustsvc import clock
from trustsvc.crypto import signed_links
from trustsvc.invitations.models import invitations
from trustsvc.mail.outbox.send import send
from trustsvc.privacy.models import request_log
from trustsvc.privacy.rights import people
from trustsvc.privacy.rights.answer_requests import answer_set
from trustsvc.reviews import moderate, publish, submit
from trustsvc.reviews.models import publications, reviews
from trustsvc.reviews.policy import ReviewInput
from trustsvc.storage import db

JAN = "jan@mail.example"
TEXT = "Fiets kwam heel aan."
CITY = "Oud-Beijerland"


def link(order_id):
    return sample_orders.invitation_of(order_id).link


def path(order_id, deed=""):
    return f"/me/{signed_links.token('me', link(order_id))}" + (f"/{deed}" if deed else "")


def post(client, order_id, deed, **form):
    with quiet():
        return client.post(path(order_id, deed), data=form)


def reviewed(shop, *, published=True, now=NOON, **order):
    """Have a buyer invited and write a review; gives the order's id."""
    order_id = sample_orders.invited(shop, now, **order)
    sample_orders.sent_invitations(now=now)
    review = ReviewInput(5, "Snel", TEXT, "Jan J.", CITY, consent=True)
    with quiet(), db.transaction() as session:
        public_id = submit.submit(session, link(order_id), review, now)
        if published:
            moderate.approve(session, public_id, "staff 1", now)
            publish.publish_approved(session, now)
    return order_id


def published():
    with quiet(), db.transaction() as session:
        publish.take_down_unpublishable(session, clock.now())
        publish.publish_approved(session, clock.now())
    with db.reading() as session:
        return session.execute(select(publications)).all()


def review():
    with db.reading() as session:
        return session.execute(select(reviews).order_by(reviews.c.id)).first()


def person(order_id=None, address=JAN):
    with db.reading() as session:
        if order_id:
            return people.by_link(session, link(order_id), clock.now())
        return people.by_address(session, address)


def answered():
    """Do what answer_privacy_requests would do."""
    with quiet():
        while answer_set(db.transaction, clock.now):
            pass


def mailed():
    """Send what waits to be sent to one person; gives the e-mails."""
    box = Post()
    with quiet():
        while send(db.transaction, box, clock.now, only_unsuspendable=True):
            pass
    return box.messages


def register():
    with db.reading() as session:
        rows = session.execute(select(request_log).order_by(request_log.c.id))
        return [(row.kind, row.state, row.by) for row in rows]


def links():
    with db.reading() as session:
        return session.scalars(select(invitations.c.link)).all()
