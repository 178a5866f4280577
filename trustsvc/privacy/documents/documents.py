"""The documents of a privacy officer: record of processing, annex to the contract, shops' notices.

Rendered from column tags, retention rules and live settings (record_of_processing.py); nobody
writes them by hand. The same input gives the same bytes.
"""

from collections.abc import Iterator
from datetime import datetime
from functools import partial

from markupsafe import Markup
from sqlalchemy.orm import Session

from trustsvc import __version__, i18n
from trustsvc.config import Settings
from trustsvc.privacy.documents import notice_history, processors, record_of_processing
from trustsvc.privacy.retention.rules import Rule
from trustsvc.shops import directory

# Duties of a processor: GDPR Art. 28(3), (a) to (h).
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
    """Render all documents in all languages; gives each text by its file name."""
    return dict(_documents(session, settings, now))


def _documents(session: Session, settings: Settings, now: datetime) -> Iterator[tuple[str, str]]:
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
            yield f"{name}.{language}.html", _render(name, language, kept=kept, **facts)
        for shop in shops:
            notice = notice_history.in_force(session, shop, settings, language, now)
            text = Markup(notice.text)  # noqa: S704 - written by notice.text, which escapes
            page = _render("notice", language, shop=shop, notice=notice, text=text)
            yield f"notice.{shop.slug}.{language}.html", page


def rule_texts(rule: Rule, language: str) -> tuple[str, str]:
    """Give a rule's subject and start in a language; in English where no translation exists."""
    texts = i18n.catalogue(language)
    key = f"documents.rule.{rule.code}"
    return texts.get(f"{key}.what", rule.what), texts.get(f"{key}.since", rule.since)


def _kept(rule: Rule, settings: Settings, language: str) -> str:
    what, since = rule_texts(rule, language)
    days = record_of_processing.days(rule, settings)
    if not days:
        return f"{what}: {since}"
    period = i18n.translate("privacy.days", language, count=days)
    return f"{what}: {i18n.translate('documents.text.after', language, days=period, since=since)}"


def _render(name: str, language: str, **facts: object) -> str:
    template = i18n.environment().get_template(f"privacy/documents/{name}.html")
    return template.render(
        translate=i18n.translate_html, day=i18n.format_date, language=language, **facts
    )
