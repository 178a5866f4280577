"""Compose an invitation or a reminder: who asks, why, five stars, and every way to stop."""

from dataclasses import dataclass, field
from datetime import datetime

from trustsvc import config, i18n, person_name
from trustsvc.crypto import signed_links
from trustsvc.invitations.planning import schedule
from trustsvc.mail import message, transport
from trustsvc.mail.message import Message
from trustsvc.mail.outbox import return_path
from trustsvc.shops.directory import Shop

MAX_NAME_LENGTH = 60


@dataclass(frozen=True, slots=True)
class InvitationDraft:
    """All that it takes to compose the message; `kind` is invitation or reminder."""

    kind: str
    link: bytes
    basis: str
    language: str
    zone: str
    shop: Shop
    recipient: str = field(repr=False)
    name: str = field(repr=False)

    def may_leave(self, now: datetime) -> bool:
        """Whether it is the buyer's daytime."""
        return schedule.daytime(now, self.zone) <= now

    def compose(self, code: str, now: datetime) -> Message:
        settings = config.current()
        name = greeting(self.name)
        review = signed_links.url("review", self.link)
        stop = signed_links.url("stop", self.link)
        subject, text, html = i18n.render_message(
            f"invitations/{self.kind}",
            self.language,
            lang=self.language,
            buyer=name,
            shop=self.shop.name,
            operator=settings.operator,
            basis=self.basis.partition(" ")[0],
            review=review,
            stars=[f"{review}?stars={number}" for number in range(1, 6)],
            stop=stop,
            me=signed_links.url("me", self.link),
            notice=f"{settings.base_url}/privacy/{self.shop.slug}",
            reply_to=self.shop.reply_to,
        )
        return Message(
            to_address=self.recipient,
            to_name=name,
            from_name=self.shop.name,
            subject=subject,
            text=text,
            html=html,
            message_id=transport.message_id(code),
            at=now,
            headers={
                **message.reply_to(self.shop.reply_to),
                **message.one_click(stop),
                **return_path.provider_headers(code),
            },
            return_path=return_path.address(code),
        )


def greeting(name: str) -> str:
    """Give the name to greet with: one clean line, or nothing where it is not a name."""
    clean = person_name.greetable(message.single_line(person_name.decode(name)))
    return "" if len(clean) > MAX_NAME_LENGTH else clean
