"""Compose an invitation or a reminder: who asks, why, five stars, and every way to stop."""

from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache

from trustsvc import config, i18n, person_name
from trustsvc.crypto import signed_links
from trustsvc.invitations.planning import schedule
from trustsvc.invitations.subjects import Subject
from trustsvc.mail import message, message_skeleton, transport
from trustsvc.mail.message import Message
from trustsvc.mail.message_skeleton import MessageSkeleton
from trustsvc.mail.outbox import return_path
from trustsvc.shops.directory import Shop

MAX_NAME_LENGTH = 60
SKELETONS_KEPT = 256  # at most 20 kB each


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
        stop = signed_links.url("stop", self.link)
        wording = _Wording(
            kind=self.kind,
            language=self.language,
            is_named=bool(name),
            shop=self.shop.name,
            operator=settings.operator,
            basis=self.basis.partition(" ")[0],
            notice=f"{settings.base_url}/privacy/{self.shop.slug}",
            reply_to=self.shop.reply_to,
        )
        values = {
            "buyer": name,
            "review": signed_links.url("review", self.link),
            "stop": stop,
            "me": signed_links.url("me", self.link),
        }
        subject, text, html = _skeleton(wording).filled(values)
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


@dataclass(frozen=True, slots=True)
class StoredInvitation:
    """A message that is decrypted when it is composed; `kind` is invitation or reminder."""

    kind: str
    about: Subject

    @property
    def recipient(self) -> str:
        return self.about.email

    def may_leave(self, now: datetime) -> bool:
        """Whether it is the buyer's daytime."""
        return schedule.daytime(now, self.about.zone) <= now

    def compose(self, code: str, now: datetime) -> Message:
        about = self.about
        return InvitationDraft(
            kind=self.kind,
            link=about.link,
            basis=about.basis,
            language=about.language,
            zone=about.zone,
            shop=about.shop,
            recipient=about.email,
            name=about.name,
        ).compose(code, now)


@dataclass(frozen=True, slots=True)
class _Wording:
    """What many messages have in common: no name and no link of a person."""

    kind: str
    language: str
    is_named: bool
    shop: str
    operator: str
    basis: str
    notice: str
    reply_to: str


@lru_cache(maxsize=SKELETONS_KEPT)
def _skeleton(wording: _Wording) -> MessageSkeleton:
    """Render the templates; raises LookupError for a language that has none."""
    return message_skeleton.skeleton(
        *i18n.render_message(
            f"invitations/{wording.kind}",
            wording.language,
            lang=wording.language,
            buyer=message_skeleton.slot("buyer") if wording.is_named else "",
            shop=wording.shop,
            operator=wording.operator,
            basis=wording.basis,
            review=message_skeleton.slot("review"),
            stars=[f"{message_skeleton.slot('review')}?stars={number}" for number in range(1, 6)],
            stop=message_skeleton.slot("stop"),
            me=message_skeleton.slot("me"),
            notice=wording.notice,
            reply_to=wording.reply_to,
        )
    )


def greeting(name: str) -> str:
    """Give the name to greet with: one clean line, or nothing where it is not a name."""
    clean = person_name.greetable(message.single_line(person_name.decode(name)))
    return "" if len(clean) > MAX_NAME_LENGTH else clean
