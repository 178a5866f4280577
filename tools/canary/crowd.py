"""Some hundred people in every state a person can be in, at two shops, by the real use cases."""

import unicodedata
from datetime import UTC, datetime

from sqlalchemy import select

from tests.invitations.sample_orders import planned, quiet, shop
from trustsvc.invitations.models import invitations
from trustsvc.orders import accept, privacy_requests
from trustsvc.orders.models import orders
from trustsvc.orders.received import OrderReceived
from trustsvc.privacy.rights import (
    answer_requests,
    erasure,
    objection_bursts,
    people,
    restriction,
)
from trustsvc.registry import double_opt_in, registration
from trustsvc.registry.opt_out import opt_out
from trustsvc.reviews import lookup, moderate, publish, submit
from trustsvc.reviews.policy import ReviewInput
from trustsvc.storage import db
from trustsvc.storage.columns import EVERY_SHOP

NOON = datetime(2026, 6, 10, 10, tzinfo=UTC)
REVIEW = ReviewInput(
    stars=4, title="Snel", text="Kwam heel aan.", name="A.", city="Delft", consent=True
)
STATES = (
    "registered",
    "requested registration",
    "opted out at a shop",
    "opted out everywhere",
    "restricted",
    "wrote a review",
    "published a review",
    "erased",
    "requested the data",
    "placed an order",
)


def addresses(how_many):
    """Give addresses as shops send them, in the spellings people use."""
    return [_spelling(number) for number in range(how_many)]


def _spelling(number):
    plain = f"jan.jansen{number}"
    return (
        f"{plain}@mail.example",
        f"Jan.Jansen{number}@Mail.Example",
        f"{plain}+shop@gmail.com",
        f"{plain}@bücher.example",
        unicodedata.normalize("NFD", f"renée{number}@mail.example"),
        f" {plain}@MAIL.example ",
        f"info{number}@mail.example",
    )[number % 7]


def bring_into_states(everybody):
    """Take everybody's orders, and bring each person into a state by turn."""
    one, other = shop(name="One"), shop(name="Other")
    with quiet():
        _order(one, everybody)
        _order(other, everybody[::2])
    planned(NOON)
    with quiet():
        for state, do in ACTIONS.items():
            group = everybody[STATES.index(state) :: len(STATES)]
            with db.transaction() as session:
                do(session, one, group)
        while answer_requests.answer_next(db.transaction, lambda: NOON):
            pass
        with db.transaction() as session:  # some still wait for the job
            for address in everybody[-20:]:
                privacy_requests.enqueue(
                    session,
                    privacy_requests.PrivacyRequest("my_data", 0, "nl", address.strip()),
                    NOON,
                )
    return one, other


def _order(at_shop, group):
    batch = [
        OrderReceived(
            identity=f"order-{number}",
            created_at=NOON,
            reference=f"#{number}",
            email=address.strip(),
            name=f"Jan Jansen{number}",
            locale="nl-NL",
            webhook_delivery_id=f"delivery-{at_shop.id}-{number}",
        )
        for number, address in enumerate(group)
    ]
    with db.transaction() as session:
        incoming = [
            accept.incoming_order(at_shop, order, order.identity.encode()) for order in batch
        ]
        accept.accept(session, incoming, NOON)


def _register(session, _shop, group):
    for address in group:
        registration.register(session, address, "v1", "page", NOON)


def _request_registration(session, at_shop, group):
    for address in group:
        double_opt_in.request_registration(
            session,
            double_opt_in.RegistrationRequest(address.strip(), at_shop.id, "nl", "page"),
            NOON,
        )


def _opt_out(session, at_shop, group):
    for number, address in enumerate(group):
        opt_out(session, address, at_shop.id, "stop", NOON)
        network = f"10.0.{number % 250}.0/24"
        objection_bursts.record(session, address, at_shop.id, network, NOON)


def _opt_out_everywhere(session, _shop, group):
    for address in group:
        opt_out(session, address, EVERY_SHOP, "objection", NOON)


def _restrict(session, _shop, group):
    for address in group:
        restriction.restrict(session, people.by_address(session, address), NOON)


def _review(session, at_shop, group):
    return [submit.submit(session, link, REVIEW, NOON) for link in _links(session, at_shop, group)]


def _publish(session, at_shop, group):
    for public_id in _review(session, at_shop, group):
        version = lookup.find_review(session, public_id).version
        moderate.approve(session, public_id, "staff 0", NOON, version=version)
    publish.publish_approved(session, NOON)


def _links(session, at_shop, group):
    wanted = {address.strip() for address in group}
    rows = session.execute(
        select(invitations.c.link, orders.c.email)
        .join(orders, orders.c.id == invitations.c.order_id)
        .where(invitations.c.shop_id == at_shop.id)
    )
    return [row.link for row in rows if row.email in wanted]


def _erase(session, _shop, group):
    for address in group:
        person = people.by_address(session, address)
        erasure.erase(session, person, erasure.ErasureOptions(everywhere=True), NOON)


def _request_data(session, _shop, group):
    for address in group:
        privacy_requests.enqueue(
            session,
            privacy_requests.PrivacyRequest("my_data", EVERY_SHOP, "nl", address.strip()),
            NOON,
        )


ACTIONS = {
    "registered": _register,
    "requested registration": _request_registration,
    "opted out at a shop": _opt_out,
    "opted out everywhere": _opt_out_everywhere,
    "restricted": _restrict,
    "wrote a review": _review,
    "published a review": _publish,
    "erased": _erase,
    "requested the data": _request_data,
}
