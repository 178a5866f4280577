"""The privacy notice: the rows of its table and its text. Its words are in the catalogues.

Every period comes from the rules by which the purge deletes, so the notice cannot differ from what
is done.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import babel
from cryptography.hazmat.primitives import hashes
from markupsafe import Markup

from trustsvc import __version__, i18n
from trustsvc.config import Settings
from trustsvc.invitations.planning import frequency_cap
from trustsvc.privacy.retention.expired import MAX_RETENTION
from trustsvc.privacy.retention.rules import RULES
from trustsvc.shops.directory import Shop

YEAR = 365
TEXT_TEMPLATE = "privacy/notice_text.html"


@dataclass(frozen=True, slots=True)
class Purpose:
    """One purpose of processing, and for how many days; 0 where an event ends it."""

    name: str
    days: int = 0
    unpaid: int = 0
    longest: int = 0

    @property
    def years(self) -> int:
        return self.days // YEAR


def purposes(shop: Shop, log_days: int) -> Sequence[Purpose]:
    """List the purposes in the order in which a buyer meets them."""
    return (
        Purpose(
            "invite", _days("buyer_contact"), unpaid=shop.max_age_days, longest=MAX_RETENTION.days
        ),
        Purpose("delivery", _days("maildir")),
        Purpose("check"),
        Purpose("register", _days("pending_registration")),
        Purpose(
            "frequency_cap",
            max(_days("frequency_cap"), shop.cap_days),
            longest=frequency_cap.LONGEST.days,
        ),
        Purpose("duplicates", _days("webhook_delivery")),
        Purpose("answers", _days("transactional_mail")),
        Purpose("review", _days("review")),
        Purpose("author", _days("review")),
        Purpose("log", log_days),
        Purpose("security", log_days),
        Purpose("requests", _days("request_log")),
        Purpose("decisions", _days("decision_log")),
    )


@dataclass(frozen=True, slots=True)
class _Operator:
    """All that the notice says of the settings: its template finds no others."""

    operator: str
    contact: str
    authority: str
    base_url: str


def text(shop: Shop, settings: Settings, language: str) -> Markup:
    """Render the notice of a shop as of today, without version and date."""
    template = i18n.environment().get_template(TEXT_TEMPLATE)
    written = template.render(
        translate=i18n.translate_html,
        day=i18n.format_date,
        language=language,
        shop=shop,
        settings=_operator(settings),
        purposes=purposes(shop, settings.log_days),
    )
    return Markup(written)  # noqa: S704 - our own template, which escapes values


def inputs_digest(shop: Shop, settings: Settings) -> bytes:
    """Give SHA-256 of all that the texts of a shop are made from: the same, the same texts."""
    made = hashes.Hash(hashes.SHA256())
    made.update(_words_digest())
    made.update(repr((shop, _operator(settings), purposes(shop, settings.log_days))).encode())
    return made.finalize()


@cache
def _words_digest() -> bytes:
    """Give SHA-256 of the template, of the words as they are rendered, and of the code."""
    made = hashes.Hash(hashes.SHA256())
    made.update(f"{__version__} {babel.__version__}".encode())
    # The words from the memory that they are rendered from: files may have changed since.
    words = {language: dict(i18n.catalogue(language)) for language in i18n.LANGUAGES}
    made.update(repr(words).encode())
    for path in (i18n.folder() / TEXT_TEMPLATE, Path(__file__), Path(i18n.__file__)):
        made.update(path.read_bytes())
    return made.finalize()


def _operator(settings: Settings) -> _Operator:
    return _Operator(settings.operator, settings.contact, settings.authority, settings.base_url)


def _days(rule: str) -> int:
    return RULES[rule].days or 0
