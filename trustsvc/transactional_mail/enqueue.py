"""Write a letter to one person: it waits in the table until the next sender comes."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from trustsvc.crypto import pseudonyms, signed_links
from trustsvc.transactional_mail.models import correspondence
from trustsvc.work_queue import job_queue

MOST_A_DAY = 3
DAY = timedelta(days=1)
THE_SERVICE = 0


@dataclass(frozen=True, slots=True)
class Note:
    """`kind` is a folder of templates/correspondence; `facts` are what its templates print."""

    kind: str
    language: str
    address: str = field(repr=False)
    name: str = field(default="", repr=False)
    shop_id: int = THE_SERVICE
    facts: Mapping[str, str] = field(default_factory=dict, repr=False)


def write(session: Session, note: Note, now: datetime, most: int = MOST_A_DAY) -> bool:
    """Queue a letter; it leaves after this transaction, at once, day or night.

    At most so many of a kind a day to one address, so that nobody fills another's mailbox through
    us: False then, and nobody outside is told. Opt-outs do not stop it: it answers somebody, or
    confirms a right. The address is forgotten when the mail server took the letter, and after three
    days at the latest. Raises NotAnAddress.
    """
    who = pseudonyms.shop_pseudonym(THE_SERVICE, note.address)
    every = pseudonyms.shop_pseudonyms(THE_SERVICE, note.address)
    table = correspondence.c
    so_far = session.scalar(
        select(func.count())
        .select_from(correspondence)
        .where(table.who.in_(every), table.kind == note.kind, table.asked_at > now - DAY)
    )
    if (so_far or 0) >= most:
        return False
    session.execute(
        correspondence.insert().values(
            kind=note.kind,
            language=note.language,
            shop_id=note.shop_id,
            address=note.address,
            name=note.name or None,
            facts=json.dumps(dict(note.facts)),
            who=who,
            code=signed_links.new_id(),
            state="due",
            asked_at=now,
            due_at=now,
            tries=0,
        )
    )
    job_queue.enqueue(session, "send_correspondence")
    return True
