"""Every e-mail that we write, composed as it would leave, without a database."""

import json
import re
import tomllib
from dataclasses import fields
from datetime import UTC, datetime
from functools import cache

from trustsvc import config, i18n
from trustsvc.invitations.compose import InvitationDraft
from trustsvc.mail import message
from trustsvc.mail.message import Message
from trustsvc.shops.directory import Shop
from trustsvc.transactional_mail.compose import TransactionalDraft

CODE = "abcdefghijklmnopqrstuvwxyz"
NOON = datetime(2026, 6, 10, 10, tzinfo=UTC)
BASE_URL = "https://reviews.shops.example.eu"
SETTINGS = {
    "TRUSTSVC_BASE_URL": BASE_URL,
    "TRUSTSVC_MAIL_FROM": "reviews@reviews.shops.example.eu",
    "TRUSTSVC_OPERATOR": "Shop Reviews",
}
SERVICE = "service@bakfiets.example.eu"
# Other facts that a text names stand for themselves.
FACTS = {
    "person": "Anna",
    "shop": "Bakfiets & Co",
    "operator": "Shop Reviews",
    "receipt": "17",
    "day": "10 June 2026",
    "ground": "Art. 17(3)",
    "authority": "the AP",
}


def shop(**changes) -> Shop:
    plain = {field.name: "" for field in fields(Shop)}
    known = {"id": 1, "slug": "bakfiets-co", "name": "Bakfiets & Co", "reply_to": SERVICE}
    return Shop(**plain | known | changes)


def invitation(language: str, kind: str = "invitation", basis: str = "customers", **at_shop):
    """Compose an invitation or a reminder; needs settings and keys, no database."""
    return InvitationDraft(
        kind=kind,
        link=b"0123456789abcdef",
        basis=basis,
        language=language,
        zone="Europe/Amsterdam",
        shop=shop(**at_shop),
        recipient="anna@buyers.example.eu",
        name="Anna de Vries",
    ).compose(CODE, NOON)


def transactional(language: str, template: str) -> Message:
    words = _texts(language)[template]
    link = f"{BASE_URL}/me/0123456789abcdefghijkl.0123456789abcdefghijklmnopqrstuvwxyzABCDEFG"
    links = {"link": link} if "go" in words else {}
    links |= {"stop": link.replace("/me/", "/register/leave/")} if "stop" in words else {}
    named = re.findall(r"{(\w+)}", " ".join(words.values()))
    facts = json.dumps({name: FACTS.get(name, name) for name in named} | links)
    draft = TransactionalDraft(template, language, "anna@buyers.example.eu", "Anna", facts, shop())
    return draft.compose(CODE, NOON)


def every_email() -> dict[str, Message]:
    """Compose them all, by kind and language."""
    made = {}
    for language in i18n.LANGUAGES:
        for kind in ("invitation", "reminder"):
            for basis in ("registered", "consent", "customers"):
                made[f"{kind} {basis} {language}"] = invitation(language, kind, basis)
        for template in _texts(language):
            if template != "all":
                made[f"{template} {language}"] = transactional(language, template)
    return made


def to_bytes(one: Message) -> bytes:
    return message.to_bytes(one, config.current().mail_from).data


@cache
def _texts(language: str):
    return tomllib.loads(
        (i18n.folder() / "words" / language / "transactional_mail.toml").read_text()
    )
