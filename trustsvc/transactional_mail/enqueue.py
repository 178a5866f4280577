"""Add a message to one person: it leaves with the next `send_messages`."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from trustsvc.crypto import pseudonyms
from trustsvc.mail.outbox import pending
from trustsvc.transactional_mail.hourly_limit import UNPROVEN
from trustsvc.transactional_mail.mailbox import mailbox_hash
from trustsvc.transactional_mail.models import MESSAGE_KIND, transactional_messages
from trustsvc.work_queue import job_queue

MAX_PER_DAY = 3
DAY = timedelta(days=1)
THE_SERVICE = 0


@dataclass(frozen=True, slots=True)
class TransactionalMessage:
    """`template` is a section of the catalogue; `facts` fill the placeholders of its texts."""

    template: str
    language: str
    address: str = field(repr=False)
    name: str = field(default="", repr=False)
    shop_id: int = THE_SERVICE
    facts: Mapping[str, str] = field(default_factory=dict, repr=False)
    network: bytes | None = field(default=None, repr=False)  # keyed hash of who typed the address


def write(
    session: Session, message: TransactionalMessage, now: datetime, most: int = MAX_PER_DAY
) -> bool:
    """Add a message that leaves after this transaction, day or night.

    At most `most` of a kind a day to one address, so that nobody fills another's mailbox through
    us: False then, and nobody outside learns it. Where anybody could have typed the address, all
    addresses of a mailbox are one: a tag more is nobody else. Opt-outs do not stop it: it
    answers somebody, or confirms a right. The address is cleared once the message is settled, and
    after three days at the latest. Raises NotAnAddress.
    """
    pseudonym = pseudonyms.shop_pseudonym(THE_SERVICE, message.address)
    mailbox = mailbox_hash(message.address)
    table = transactional_messages.c
    if message.template in UNPROVEN:
        same_reader = table.mailbox == mailbox
    else:
        of_all_keys = pseudonyms.shop_pseudonyms(THE_SERVICE, message.address)
        same_reader = table.recipient_pseudonym.in_(of_all_keys)
    so_far = session.scalar(
        select(func.count())
        .select_from(transactional_messages)
        .where(same_reader, table.template == message.template, table.created_at > now - DAY)
    )
    if (so_far or 0) >= most:
        return False
    message_id = session.scalar(
        transactional_messages.insert()
        .values(
            template=message.template,
            language=message.language,
            shop_id=message.shop_id,
            address=message.address,
            name=message.name or None,
            facts=json.dumps(dict(message.facts)),
            recipient_pseudonym=pseudonym,
            mailbox=mailbox,
            network=message.network,
            created_at=now,
        )
        .returning(table.id)
    )
    assert message_id is not None
    pending.add(
        session, [pending.NewMessage(MESSAGE_KIND, message_id, message.shop_id, due_at=now)]
    )
    job_queue.enqueue(session, "send_messages")
    return True
