"""A buyer who registers: through the real endpoints; a mail transport keeps the messages."""

import re
from urllib.parse import urlsplit

from sqlalchemy import select

from tests import rate_limits
from tests.invitations.sample_orders import NOON, Post, quiet
from trustsvc import clock
from trustsvc.mail.outbox.send import send
from trustsvc.registry.models import pending_registrations, registered_buyers
from trustsvc.storage import db

JAN = "jan@mail.example"


def posted(now=None):
    """Send what waits; gives the messages."""
    post = Post()
    with quiet():
        while send(db.transaction, post, lambda: now or clock.now(), only_unsuspendable=True):
            pass
    return post.messages


def path_in(message, word):
    """Find the path of a link that stands alone on its line."""
    link = re.search(rf"^(http\S+/register/{word}/\S+)$", message.text, re.MULTILINE)[1]
    return urlsplit(link).path


def ask(client, shop, address=JAN, **more):
    rate_limits.reset()
    with quiet():
        return client.post(f"/register/{shop.slug}", data={"email": address, **more})


def confirm(client, message):
    with quiet():
        return client.post(path_in(message, "confirm"))


def join(client, shop, address=JAN):
    """Register by both steps; gives the message that says so."""
    ask(client, shop, address)
    (first,) = posted()
    confirm(client, first)
    (second,) = posted()
    return second


def pending():
    with db.reading() as session:
        return session.execute(
            select(pending_registrations).order_by(pending_registrations.c.id)
        ).all()


def entries():
    with db.reading() as session:
        return session.execute(select(registered_buyers)).all()


__all__ = ["JAN", "NOON", "ask", "confirm", "entries", "join", "path_in", "pending", "posted"]
