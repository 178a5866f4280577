"""Compose transactional mail: words by template and language, one layout for all."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from trustsvc import config, i18n
from trustsvc.mail import message, transport
from trustsvc.mail.message import Message
from trustsvc.mail.outbox import return_path
from trustsvc.shops.directory import Shop

SHARED = ("greeting", "greeting_name", "notice")


@dataclass(frozen=True, slots=True)
class TransactionalDraft:
    """All that it takes to compose the message; `facts` is JSON."""

    template: str
    language: str
    recipient: str = field(repr=False)
    name: str = field(repr=False)
    facts: str = field(repr=False)
    shop: Shop | None

    def may_leave(self, now: datetime) -> bool:
        """Whether it may leave now: day and night, because a person waits for it."""
        return True

    def compose(self, code: str, now: datetime) -> Message:
        """Compose it; raises LookupError for a template that has no words in that language."""
        settings = config.current()
        facts: dict[str, str] = json.loads(self.facts or "{}")
        name = message.single_line(self.name)
        from_name = self.shop.name if self.shop else settings.operator
        values = {"person": name, "shop": from_name, "operator": settings.operator, **facts}

        def texts(translate: Callable[..., str]) -> Callable[[str], str]:
            def text_of(part: str) -> str:
                section = "all" if part in SHARED else self.template
                return translate(f"transactional_mail.{section}.{part}", self.language, **values)

            return text_of

        context = {
            "lang": self.language,
            "person": name,
            "shop": from_name,
            "link": facts.get("link", ""),
            "stop": facts.get("stop", ""),
            "notice": f"{settings.base_url}/privacy/{self.shop.slug}" if self.shop else "",
        }
        stop = facts.get("stop", "")
        return Message(
            to_address=self.recipient,
            to_name=name,
            from_name=from_name,
            subject=texts(i18n.translate)("subject"),
            text=_render("txt", texts(i18n.translate), context),
            html=_render("html", texts(i18n.translate_html), context),
            message_id=transport.message_id(code),
            at=now,
            headers={
                **(message.one_click(stop) if stop else {}),
                **return_path.provider_headers(code),
            },
            return_path=return_path.address(code),
            is_transactional=True,
        )


def _render(format_: str, words: Callable[[str], str], context: dict[str, str]) -> str:
    template = i18n.environment().get_template(f"transactional_mail/message.{format_}")
    return template.render(words=words, **context)
