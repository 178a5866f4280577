"""Compose a letter that answers somebody: words by kind and language, one look for all."""

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

from trustsvc import config, i18n
from trustsvc.mail import message
from trustsvc.mail.message import Message
from trustsvc.mail.transport import message_id
from trustsvc.shops import directory

SHARED = ("greeting", "greeting_name", "notice")


def compose(row: Any, shop: directory.Shop | None, now: datetime) -> Message:
    """Compose it; raises LookupError for a kind that has no words in that language."""
    settings = config.current()
    facts: dict[str, str] = json.loads(row.facts or "{}")
    name = message.single_line(row.name or "")
    from_name = shop.name if shop else settings.operator
    spoken = {"person": name, "shop": from_name, "operator": settings.operator, **facts}

    def words(say: Callable[..., str]) -> Callable[[str], str]:
        def one(part: str) -> str:
            kind = "all" if part in SHARED else row.kind
            return say(f"letters.{kind}.{part}", row.language, **spoken)

        return one

    known = {
        "lang": row.language,
        "person": name,
        "shop": from_name,
        "link": facts.get("link", ""),
        "stop": facts.get("stop", ""),
        "notice": f"{settings.base_url}/privacy/{shop.slug}" if shop else "",
    }
    render = i18n.environment().get_template
    return Message(
        to_address=row.address,
        to_name=name,
        from_name=from_name,
        subject=words(i18n.translate)("subject"),
        text=render("correspondence/letter.txt").render(words=words(i18n.translate), **known),
        html=render("correspondence/letter.html").render(words=words(i18n.translate_html), **known),
        message_id=message_id(row.code.hex()),
        at=now,
        headers=_one_click(facts.get("stop", "")),
        is_transactional=True,
    )


def _one_click(stop: str) -> dict[str, str]:
    """Let mail programs stop it with a button of their own (RFC 8058)."""
    if not stop:
        return {}
    return {
        "List-Unsubscribe": f"<{stop}>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    }
