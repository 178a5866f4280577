"""Confirm what was done, by e-mail to the stored address and to no other."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy.orm import Session

from trustsvc.crypto import signed_links
from trustsvc.crypto.id_hashes import id_hash
from trustsvc.privacy.models import my_data_links
from trustsvc.privacy.rights.people import Person
from trustsvc.storage import db
from trustsvc.transactional_mail import enqueue, personal_data
from trustsvc.transactional_mail.enqueue import THE_SERVICE, TransactionalMessage

MAX_A_DAY = 5


def confirm(
    session: Session,
    person: Person,
    kind: str,
    now: datetime,
    facts: Mapping[str, str] | None = None,
    network: bytes | None = None,
) -> bool:
    """Write the e-mail; False without an address, or when its daily limit is reached.

    `network`: the keyed hash of the one that typed the address, where somebody did.

    The encrypted message waits in the outbox until it has left, 72 hours at most.
    """
    if not person.address:
        return False
    shop_id = person.shop_ids[0] if len(person.shop_ids) == 1 else THE_SERVICE
    message = TransactionalMessage(
        template=kind,
        language=person.language,
        address=person.address,
        name=person.name,
        shop_id=THE_SERVICE if person.everywhere else shop_id,
        facts=facts or {},
        network=network,
    )
    return enqueue.write(session, message, now, most=MAX_A_DAY)


def my_data_link(session: Session, person: Person, now: datetime, copy: str = "") -> str:
    """Make a link to everything stored about an address; valid for three days.

    With `copy` it shows that copy, whatever is erased meanwhile.
    """
    link_id = signed_links.new_id()
    session.execute(
        db.insert(my_data_links).values(
            link_hash=id_hash(link_id),
            pseudonym=personal_data.recipient_pseudonyms(person.address)[-1],
            address=person.address,
            language=person.language,
            copy=copy or None,
            at=now,
        )
    )
    return signed_links.url("me", link_id)
