"""How many messages an hour may leave to addresses that anybody could have typed."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, case, func, literal, select
from sqlalchemy.orm import Session

from trustsvc import config
from trustsvc.transactional_mail.models import transactional_messages

HOUR = timedelta(hours=1)
RETRY_DELAY = timedelta(minutes=10)  # of what waits for the next hour's messages
# Messages to an address that nothing proves: they ask its reader to confirm.
REGISTRATION = frozenset({"register"})
RIGHTS = frozenset({"my_data_link", "object_all", "object_shop"})
UNPROVEN = REGISTRATION | RIGHTS
# A network that caused so few in the hour is served as long as its kind has any left.
FEW_OF_NETWORK = 2


@dataclass(frozen=True, slots=True)
class Written:
    """Messages of the past hour of the same kind: in all, in this shop's name, of this network.

    `network` is None for what no page caused.
    """

    in_all: int
    shop: int
    network: int | None


def is_full(written: Written, most: int) -> bool:
    """Say whether another message must wait, when `most` an hour of its kind may leave.

    A shop gets half of them, a network a fifth. The last quarter, of all and of the shop's, is for
    networks that caused few: a flood of others leaves it to them.
    """
    of_shop = (most + 1) // 2
    network = written.network
    if network is None or network >= FEW_OF_NETWORK:
        if network is not None and network >= most // 5:
            return True
        most, of_shop = most - most // 4, of_shop - of_shop // 4
    return written.in_all >= most or written.shop >= of_shop


def is_reached(
    session: Session,
    template: str,
    now: datetime,
    *,
    shop_id: int | None = None,
    network: bytes | None = None,
) -> bool:
    """Say whether a message to a typed address must wait for the next hour.

    The limit is TRUSTSVC_CONFIRMATIONS_HOURLY: half for registrations and half for privacy
    requests, so that a flood of one stops no other. `network` is a keyed hash; what no page caused
    has none.
    """
    most = config.current().confirmations_hourly
    if not most:
        return False
    half = max(most // 2, 1) if template in REGISTRATION else (most + 1) // 2
    return is_full(_written(session, template, now, shop_id, network), half)


def _written(
    session: Session, template: str, now: datetime, shop_id: int | None, network: bytes | None
) -> Written:
    table = transactional_messages.c
    kind = REGISTRATION if template in REGISTRATION else RIGHTS
    row = session.execute(
        select(
            func.count(),
            _number(literal(False) if shop_id is None else table.shop_id == shop_id),
            _number(literal(False) if network is None else table.network == network),
        ).where(table.created_at > now - HOUR, table.template.in_(kind))
    ).one()
    in_all, shop, of_network = row
    return Written(in_all, shop, None if network is None else of_network)


def _number(where: ColumnElement[bool]) -> ColumnElement[int]:
    return func.coalesce(func.sum(case((where, 1), else_=0)), 0)
