"""`trustsvc shop list`: each shop with its settings and what its webhook brought."""

import json
from datetime import datetime

import click

from trustsvc import clock
from trustsvc.cli.connection_text import connection_text
from trustsvc.cli.shop_snippets import webhook_url
from trustsvc.orders.catch_up import connection_status
from trustsvc.orders.webhook_health import summary
from trustsvc.storage import db


@click.command("list")
@click.option("--json", "as_json", is_flag=True, help="For scripts.")
def list_(*, as_json: bool) -> None:
    """List the shops and what their webhooks brought; no secrets.

    Counts are of seven days and a few seconds old.
    """
    now = clock.now()
    with db.reading() as session:
        summaries = summary.of_all_shops(session, now)
        apis = connection_status.of_shops(session)
    api_texts = {one.shop.id: connection_text(apis.get(one.shop.id), now) for one in summaries}
    if as_json:
        rows = [_row(one) | {"catch_up": api_texts[one.shop.id]} for one in summaries]
        click.echo(json.dumps(rows))
        return
    for one in summaries:
        shop = one.shop
        when = f"{shop.delay} {shop.delay_unit} after {shop.moment}"
        seal = f"{shop.domain} {'proven' if shop.proven_at else 'not proven'}"
        asks = f"asks {shop.may_ask}  {when}"
        answers = f"answers to {shop.reply_to or 'nobody'}"
        url = webhook_url(shop)
        click.echo(f"{shop.slug}  {shop.platform}  {seal}  {asks}  {answers}  {url}")
        click.echo(f"    {_webhook(one)}")
        if api_texts[shop.id]:
            click.echo(f"    {api_texts[shop.id]}")
    if not summaries:
        click.echo("There are no shops yet: trustsvc shop add --help")


def _row(one: summary.ShopHealth) -> dict[str, object]:
    shop = one.shop
    return {
        "shop": shop.slug,
        "name": shop.name,
        "domain": shop.domain,
        "proven": shop.proven_at is not None,
        "platform": shop.platform,
        "webhook_url": webhook_url(shop),
        "may_ask": shop.may_ask,
        "delay": f"{shop.delay} {shop.delay_unit} after {shop.moment}",
        "reply_to": shop.reply_to,
        "last_delivery": _timestamp(one.delivery_at),
        "last_order": _timestamp(one.order_at),
        "answers_7_days": dict(one.counts),
        "alarm": one.trouble,
    }


def _webhook(one: summary.ShopHealth) -> str:
    last = f"last delivery {_timestamp(one.delivery_at) or 'never'}"
    order = f"last order {_timestamp(one.order_at) or 'never'}"
    counts = ", ".join(f"{number} {answer}" for answer, number in one.counts.items())
    alarm = f"  ALARM {one.trouble}: see trustsvc doctor" if one.trouble else ""
    return f"{last}  {order}  7 days: {counts or 'nothing'}{alarm}"


def _timestamp(at: datetime | None) -> str | None:
    return f"{at:%Y-%m-%dT%H:%M:%SZ}" if at else None
