"""`trustsvc shop try`: post an example order as the shop's platform would, and show the outcome."""

import time
from datetime import datetime

import click
import requests
from sqlalchemy import select
from sqlalchemy.orm import Session

from trustsvc import clock, config
from trustsvc.cli.shop_snippets import webhook_url
from trustsvc.crypto import pseudonyms
from trustsvc.demo import example_orders
from trustsvc.invitations.models import invitations
from trustsvc.invitations.planning.eligibility import REVIEW_LINK_LIFETIME
from trustsvc.orders import decision_log
from trustsvc.orders.models import orders
from trustsvc.orders.platforms import PLATFORMS
from trustsvc.orders.received import OrderReceived
from trustsvc.orders.state import OrderState
from trustsvc.reviews import decision_texts
from trustsvc.shops import directory, secret_rotation
from trustsvc.storage import db

TIMEOUT_S = 15
NOT_REGISTERED = (
    "This shop asks registered buyers only, and the example buyer is new. To see an invitation: "
    "trustsvc shop set {slug} --may-ask customers (your confirmation that buyers are informed)."
)


@click.command("try")
@click.argument("slug")
def try_(slug: str) -> None:
    """Post a signed example order to the shop's webhook address and show what became of it.

    Each run makes a new order and a new buyer, whose address ends in .example and reaches nobody.
    The service must run. Exits with 1 when it does not answer, refuses the order, or does not
    decide within 15 seconds.
    """
    with db.reading() as session:
        shop = directory.by_slug(session, slug)
        secret = secret_rotation.current_secret(session, shop.id)
    example = example_orders.example_order(shop.platform, clock.now())
    click.echo(f"Order {example.number} of {example.buyer}")
    answer = _post(shop, secret, example.body)
    click.echo(f"Answer: {example_orders.answer_text(answer)}")
    if answer.status_code != requests.codes.accepted:
        raise click.ClickException("The order was not accepted: see trustsvc doctor.")
    order_id = _wait_for_decision(shop, example)
    with db.reading() as session:
        lines = decision_log.of_order(session, order_id)
        planned = _planned_at(session, order_id)
    for line in lines:
        step, rule, outcome = decision_texts.describe(line, "en")
        codes = f"{line.step} {line.rule} {line.outcome}"
        click.echo(f"{f'{step}: {rule}':<50} {outcome:<18} ({codes})")
    if planned:
        click.echo(f"The invitation is planned for {planned:%Y-%m-%d %H:%M} UTC.")
    else:
        click.echo("No invitation is planned.")
    if any(line.rule == "no_basis_registered" for line in lines):
        click.echo(NOT_REGISTERED.format(slug=slug))


def _post(shop: directory.Shop, secret: str, body: bytes) -> requests.Response:
    """Post to the public address, else to this machine; raises ClickException without an answer."""
    settings = config.current()
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.bind, settings.bind)  # noqa: S104
    local = f"http://{f'[{host}]' if ':' in host else host}:{settings.port}"
    for base_url in dict.fromkeys([settings.base_url, local]):
        url = webhook_url(shop, base_url)
        try:
            answer = example_orders.post(url, shop.platform, secret, body)
        except requests.RequestException:
            click.echo(f"No answer from {base_url}")
        else:
            click.echo(f"Posted to {url}")
            return answer
    raise click.ClickException(
        "The service does not answer. Start it (trustsvc up), or see TRUSTSVC_BASE_URL, "
        "TRUSTSVC_BIND and TRUSTSVC_PORT."
    )


def _wait_for_decision(shop: directory.Shop, example: example_orders.ExampleOrder) -> int:
    headers = example_orders.signed_headers(shop.platform, "", example.body)
    parsed = PLATFORMS[shop.platform].parse(headers, example.body, clock.now())
    if not isinstance(parsed, OrderReceived):
        raise click.ClickException("The example is not an order to this version of trustsvc.")
    identity = pseudonyms.text_pseudonym(shop.id, parsed.identity)
    query = select(orders.c.id).where(
        orders.c.shop_id == shop.id,
        orders.c.identity == identity,
        orders.c.state != OrderState.RECEIVED,
    )
    end = time.monotonic() + TIMEOUT_S
    while time.monotonic() < end:
        with db.reading() as session:
            order_id: int | None = session.scalar(query)
        if order_id is not None:
            return order_id
        time.sleep(0.2)
    raise click.ClickException(
        f"The order was not decided on within {TIMEOUT_S} seconds: is the worker running? "
        "trustsvc doctor"
    )


def _planned_at(session: Session, order_id: int) -> datetime | None:
    # A link is valid for a fixed time from the planned date on.
    expires_at: datetime | None = session.scalar(
        select(invitations.c.expires_at).where(invitations.c.order_id == order_id)
    )
    return expires_at - REVIEW_LINK_LIFETIME if expires_at else None
