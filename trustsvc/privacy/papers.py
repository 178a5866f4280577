"""The papers a privacy officer prints: record of processing, contract annex, each shop's notice.

Nobody writes them by hand: they are rendered from the tags of the stored columns, the rules of
retention and the live settings (privacy/record.py). The same input gives the same bytes.
"""

from collections.abc import Iterator
from datetime import datetime
from functools import partial
from typing import Any

from markupsafe import Markup
from sqlalchemy.orm import Session

from trustsvc import __version__, wording
from trustsvc.config import Settings
from trustsvc.privacy import editions, processors, record
from trustsvc.privacy.retention import Rule
from trustsvc.shops import find

# What Art. 28(3) asks of a processor, (a) to (h).
DUTIES = (
    "instructions",
    "confidence",
    "security",
    "others",
    "rights",
    "breach",
    "end",
    "proof",
)


def papers(session: Session, settings: Settings, now: datetime) -> dict[str, str]:
    """Write all papers in all languages; gives the text of each file by its name."""
    return dict(_papers(session, settings, now))


def _papers(session: Session, settings: Settings, now: datetime) -> Iterator[tuple[str, str]]:
    shops = find.everyone(session)
    facts = {
        "version": __version__,
        "settings": settings,
        "shops": shops,
        "sections": record.sections(),
        "processors": processors.of(settings),
        "unstated": record.unstated(settings),
        "measures": record.measures(settings),
        "own_maildir": record.own_maildir(settings),
        "duties": DUTIES,
    }
    for language in wording.LANGUAGES:
        for name in ("record", "annex"):
            kept = partial(_kept, settings=settings, language=language)
            yield f"{name}.{language}.html", _write(name, language, kept=kept, **facts)
        for shop in shops:
            edition = editions.in_force(session, shop, settings, language, now)
            text = Markup(edition.text)  # noqa: S704 - written by notice.text, which escapes
            page = _write("notice", language, shop=shop, edition=edition, text=text)
            yield f"notice.{shop.slug}.{language}.html", page


def words_of(rule: Rule, language: str) -> tuple[str, str]:
    """Say what a rule is about, and from when it counts; in English where nobody translated it."""
    words = wording.catalogue(language)
    key = f"papers.rule.{rule.code.replace(' ', '_')}"
    return words.get(f"{key}.what", rule.what), words.get(f"{key}.since", rule.since)


def _kept(rule: Rule, settings: Settings, language: str) -> str:
    what, since = words_of(rule, language)
    days = record.days(rule, settings)
    if not days:
        return f"{what}: {since}"
    period = wording.say("privacy.days", language, count=days)
    return f"{what}: {wording.say('papers.text.after', language, days=period, since=since)}"


def _write(name: str, language: str, **facts: Any) -> str:
    template = wording.environment().get_template(f"privacy/papers/{name}.html")
    return template.render(say=wording.say_marked, day=wording.day, language=language, **facts)
