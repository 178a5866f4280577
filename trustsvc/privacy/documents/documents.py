"""The papers a privacy officer prints: record of processing, contract annex, each shop's notice.

Nobody writes them by hand: they are rendered from the tags of the stored columns, the rules of
retention and the live settings (privacy/documents/record_of_processing.py). The same input gives the same bytes.
"""

from collections.abc import Iterator
from datetime import datetime
from functools import partial
from typing import Any

from markupsafe import Markup
from sqlalchemy.orm import Session

from trustsvc import __version__, i18n
from trustsvc.config import Settings
from trustsvc.privacy.documents import notice_history, processors, record_of_processing
from trustsvc.privacy.retention.rules import Rule
from trustsvc.shops import directory

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


def render_all(session: Session, settings: Settings, now: datetime) -> dict[str, str]:
    """Write all papers in all languages; gives the text of each file by its name."""
    return dict(_papers(session, settings, now))


def _papers(session: Session, settings: Settings, now: datetime) -> Iterator[tuple[str, str]]:
    shops = directory.all_shops(session)
    facts = {
        "version": __version__,
        "settings": settings,
        "shops": shops,
        "sections": record_of_processing.sections(),
        "processors": processors.list_processors(settings),
        "unstated": record_of_processing.unstated(settings),
        "measures": record_of_processing.measures(settings),
        "own_maildir": record_of_processing.own_maildir(settings),
        "duties": DUTIES,
    }
    for language in i18n.LANGUAGES:
        for name in ("record", "annex"):
            kept = partial(_kept, settings=settings, language=language)
            yield f"{name}.{language}.html", _write(name, language, kept=kept, **facts)
        for shop in shops:
            edition = notice_history.in_force(session, shop, settings, language, now)
            text = Markup(edition.text)  # noqa: S704 - written by notice.text, which escapes
            page = _write("notice", language, shop=shop, edition=edition, text=text)
            yield f"notice.{shop.slug}.{language}.html", page


def words_of(rule: Rule, language: str) -> tuple[str, str]:
    """Say what a rule is about, and from when it counts; in English where nobody translated it."""
    words = i18n.catalogue(language)
    key = f"papers.rule.{rule.code}"
    return words.get(f"{key}.what", rule.what), words.get(f"{key}.since", rule.since)


def _kept(rule: Rule, settings: Settings, language: str) -> str:
    what, since = words_of(rule, language)
    days = record_of_processing.days(rule, settings)
    if not days:
        return f"{what}: {since}"
    period = i18n.translate("privacy.days", language, count=days)
    return f"{what}: {i18n.translate('papers.text.after', language, days=period, since=since)}"


def _write(name: str, language: str, **facts: Any) -> str:
    template = i18n.environment().get_template(f"privacy/papers/{name}.html")
    return template.render(
        say=i18n.translate_html, day=i18n.format_date, language=language, **facts
    )
