"""Write a letter: who asks, why, five stars to begin with, and every way to stop."""

import re
from datetime import datetime

from trustsvc import config, i18n
from trustsvc.crypto import signed_links
from trustsvc.mail import message, transport
from trustsvc.mail.message import Message
from trustsvc.mail.outbox import return_path
from trustsvc.mail.outbox.lease import Due

MOST_NAME = 60
# A stranger can order in somebody's name: a "name" that is an address or a site is no greeting.
_NO_NAME = re.compile(r"[/:@<>\\]|www\.|\w{2,}\.\w{2,}", re.IGNORECASE)


def write(due: Due, now: datetime) -> Message:
    """Write the letter of the invitation or the reminder, from name and address alone."""
    settings = config.current()
    code = return_path.code(due.id, due.kind, due.link)
    review = signed_links.url("review", due.link)
    stop = signed_links.url("stop", due.link)
    subject, text, html = i18n.render_message(
        f"invitations/{due.kind}",
        due.language,
        lang=due.language,
        buyer=greeting(due.buyer.name),
        shop=due.shop.name,
        operator=settings.operator,
        basis=due.basis.partition(" ")[0],
        review=review,
        stars=[f"{review}?stars={number}" for number in range(1, 6)],
        stop=stop,
        me=signed_links.url("me", due.link),
        notice=f"{settings.base_url}/privacy/{due.shop.slug}",
    )
    return Message(
        to_address=due.buyer.email,
        to_name=greeting(due.buyer.name),
        from_name=due.shop.name,
        subject=subject,
        text=text,
        html=html,
        message_id=transport.message_id(code),
        at=now,
        headers={
            "List-Unsubscribe": f"<{stop}>",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
            **return_path.marks(code),
        },
        return_path=return_path.address(code),
    )


def greeting(name: str) -> str:
    """Give the name to greet with: one clean line, or nothing where it is not a name."""
    clean = message.single_line(name)
    return "" if len(clean) > MOST_NAME or _NO_NAME.search(clean) else clean
