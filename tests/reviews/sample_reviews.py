"""Shops, orders and reviews for the tests of the desk and the command line."""

from datetime import timedelta

from tests.invitations.sample_orders import message_values
from trustsvc import clock
from trustsvc.crypto import signed_links
from trustsvc.invitations.models import invitations
from trustsvc.mail.outbox.models import messages
from trustsvc.orders.models import orders
from trustsvc.reviews import submit
from trustsvc.reviews.policy import ReviewInput
from trustsvc.shops import enrol
from trustsvc.storage import db


def shop(name="Vélo & Fils"):
    with db.transaction() as session:
        made, _ = enrol.enrol(
            session, enrol.Enrolment(name, "shop.example.com", "standard"), clock.now()
        )
    return made


def order(shop, reference="1001", state="settled", at=None, **more):
    """Write an order of a buyer down; gives its id."""
    plain = {
        "shop_id": shop.id,
        "identity": signed_links.new_id(),
        "reference": reference,
        "email": "buyer@mail.example",
        "name": "Ada Lovelace",
        "buyer_pseudonym": b"\x01\x01mark",
        "locale": "nl-NL",
        "state": state,
        "platform_status": "open",
        "paid": state != "waiting",
        "date_unreadable": False,
        "accepts_buyer": True,
        "created_at": at or clock.now(),
        "received_at": at or clock.now(),
    }
    with db.transaction() as session:
        return session.execute(
            orders.insert().values(**plain | more).returning(orders.c.id)
        ).scalar_one()


def invitation(
    shop, order_id, at=None, state="open", message_state="sent", sent_at=None, reason=None
):
    """Write an invitation and its message down; gives the invitation's id and its link's id."""
    at = at or clock.now()
    link = signed_links.new_id()
    with db.transaction() as session:
        made = session.execute(
            invitations.insert()
            .values(
                shop_id=shop.id,
                order_id=order_id,
                link=link,
                state=state,
                reason=reason,
                basis="customers 2026-01-01",
                language="nl",
                zone="Europe/Amsterdam",
                experienced_at=at,
                unanswered=1,
                created_at=at,
                expires_at=at + timedelta(days=90),
            )
            .returning(invitations.c.id)
        ).scalar_one()
        if message_state:
            session.execute(
                messages.insert().values(
                    message_values(
                        made,
                        at=at,
                        state=message_state,
                        sent_at=sent_at or (at if message_state == "sent" else None),
                    )
                )
            )
    return made, link


def review(shop, at=None, reference="1001", **more):
    """Have a buyer write a review by an invitation; gives its public id."""
    plain = {
        "stars": 4,
        "title": "Snel",
        "text": "Fiets kwam heel aan.",
        "name": "Ada L.",
        "city": "Delft",
        "consent": True,
    }
    _, link = invitation(shop, order(shop, reference, at=at), at=at)
    with db.transaction() as session:
        return submit.submit(session, link, ReviewInput(**plain | more), at or clock.now())
