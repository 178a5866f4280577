"""Report everything stored about a person: each row, each column with purpose and retention.

Built from the tables themselves, so that a new column is reported without further code.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache

from sqlalchemy import Table, select
from sqlalchemy.orm import Session

from trustsvc import config, i18n
from trustsvc.crypto.pseudonyms import registry_pseudonyms
from trustsvc.invitations.personal_data import invitation_rows
from trustsvc.orders.personal_data import order_rows
from trustsvc.privacy.documents.processors import list_processors
from trustsvc.privacy.models import my_data_links
from trustsvc.privacy.retention.rules import RULES
from trustsvc.privacy.rights.people import Person
from trustsvc.registry.personal_data import registry_rows
from trustsvc.reviews.personal_data import review_rows
from trustsvc.shops import directory
from trustsvc.storage.columns import TableRows, metadata
from trustsvc.transactional_mail.personal_data import mail_rows, recipient_pseudonyms

FORMAT = "trustsvc my-data 1"
SCHEMA = "my-data-1.json"
TASKS = {
    "mail": "delivers e-mails",
    "database": "keeps the database",
    "redis": "queues jobs between our processes",
    "proxy": "passes pages and forms on",
}
# Data that cannot be linked to a person (GDPR Art. 11).
NOT_LINKED_TO_A_PERSON = {
    "deliveries": "one-way hashes of webhook messages, kept 35 days; nothing ties one to a person",
    "domain_throttles": "one-way hashes of mail servers' domains, kept an hour; nobody is in them",
    "security_entries": "addresses of machines that looked like an attack; nothing ties one to you",
    "privacy_requests": "questions that are answered within minutes and then deleted",
}


def collect(session: Session, person: Person) -> TableRows:
    """Collect every row that leads to this person, by table."""
    rows = order_rows(session, person.orders)
    rows |= invitation_rows(session, person.orders)
    rows |= review_rows(session, person.reviews)
    pseudonyms = set(person.all_pseudonyms)
    who: list[bytes] = []
    if person.address:
        pseudonyms |= set(registry_pseudonyms(person.address))
        who = recipient_pseudonyms(person.address)
    rows |= registry_rows(session, pseudonyms, who)
    rows |= mail_rows(session, who)
    links = session.execute(
        select(my_data_links).where(my_data_links.c.pseudonym.in_(who))
    ).mappings()
    rows["my_data_links"] = [dict(row) for row in links]
    return rows


def as_dict(session: Session, person: Person, now: datetime) -> Mapping[str, object]:
    """Give all data in the format of templates/privacy/my-data-1.json."""
    settings = config.current()
    rows = collect(session, person)
    named = {row.get("shop_id") for some in rows.values() for row in some}
    shop_ids = {one for one in named if isinstance(one, int) and one}
    shops = directory.by_ids(session, shop_ids | set(() if person.everywhere else person.shop_ids))
    filled = {name: [_json_row(row) for row in some] for name, some in rows.items() if some}
    return {
        "format": FORMAT,
        "schema": f"{settings.base_url}/schemas/{SCHEMA}",
        "made_at": _json_value(now),
        "shops": [
            {
                "id": shop.id,
                "name": shop.name,
                "domain": shop.domain,
                "notice": f"{settings.base_url}/privacy/{shop.slug}",
                "asks_on_the_ground_of": shop.may_ask,
            }
            for shop in sorted(shops.values(), key=lambda shop: shop.id)
        ],
        "data": filled,
        "columns": {name: _columns(metadata.tables[name]) for name in filled},
        "processors": processors(),
        "not_found_by_person": NOT_LINKED_TO_A_PERSON,
        "contact": settings.contact,
        "authority": settings.authority
        or i18n.translate("privacy.notice.authority_any", person.language),
    }


def as_json(session: Session, person: Person, now: datetime) -> str:
    """Give all data as JSON, or the copy made at an objection."""
    return person.copy or json.dumps(as_dict(session, person, now), indent=1, ensure_ascii=False)


def processors() -> list[Mapping[str, Sequence[str]]]:
    """List who holds what: this service and its processors, by the live settings."""
    settings = config.current()
    us: Mapping[str, Sequence[str]] = {
        "name": settings.operator,
        "does": "runs this service",
        "categories": ["everything here"],
    }
    others: list[Mapping[str, Sequence[str]]] = [
        {"name": one.host, "does": TASKS[one.kind], "categories": [*one.clear, *one.encrypted]}
        for one in list_processors(settings)
    ]
    return [us, *others]


@cache
def schema() -> str:
    """Read the published schema of these data."""
    return (i18n.folder() / "privacy" / SCHEMA).read_text()


def _columns(table: Table) -> dict[str, dict[str, object]]:
    return {
        column.name: {
            "purpose": column.info["purpose"],
            "category": column.info["category"],
            "kept": RULES[column.info["retention"]].what,
            "days": RULES[column.info["retention"]].days,
            "from": RULES[column.info["retention"]].since,
        }
        for column in table.columns
    }


def _json_row(row: dict[str, object]) -> dict[str, object]:
    # A lease is a random number of a worker, not data of a person.
    return {name: _json_value(value) for name, value in row.items() if name != "lease"}


def _json_value(value: object) -> object:
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%dT%H:%M:%S.") + f"{value.microsecond // 1000:03d}Z"
    return value.hex() if isinstance(value, bytes) else value
