"""`trustsvc shop badge` and `card`: what a shop pastes into its pages."""

import json

import click

from trustsvc import config
from trustsvc.shops import directory, settings
from trustsvc.storage import db

TITLES = {
    "image": "An image alone, for where no script may be",
    "email": "An image for e-mails: many mail programs draw no SVG",
    "script": "The badge; its script follows our newest release within an hour",
    "pinned": "The badge with one release of the script, which a browser checks by its hash",
    "list": "The newest reviews",
    "list_pinned": "The newest reviews with one release of the script, checked by its hash",
    "fragment": "Or your server prints what it finds here into the page: no script at all",
    "shields": "For a README: https://img.shields.io/endpoint?url= and this address, encoded",
    "feed": "The newest reviews for feed readers (Atom)",
    "policy": "If your pages have a Content-Security-Policy, add to it",
}


@click.command()
@click.argument("slug")
@click.option("--json", "as_json", is_flag=True, help="For scripts.")
def badge(slug: str, *, as_json: bool) -> None:
    """Print what a shop pastes where its badge or its reviews shall be."""
    from trustsvc.badge import embed_code

    with db.reading() as session:
        snippets = embed_code.for_shop(directory.by_slug(session, slug))
    if as_json:
        click.echo(json.dumps(snippets))
        return
    for kind, title in TITLES.items():
        click.echo(f"{title}:\n\n{snippets[kind]}\n")


@click.command()
@click.argument("slug")
@click.option(
    "--language",
    type=click.Choice(settings.CHOICES["language"]),
    help="Of the card (default: the shop's).",
)
def card(slug: str, language: str | None) -> None:
    """Print what a shop pastes on the page after an order, where buyers may register."""
    with db.reading() as session:
        shop = directory.by_slug(session, slug)
    click.echo(card_html(shop, language or shop.language))


def card_html(shop: directory.Shop, language: str) -> str:
    """Write the card of the page after an order, its texts in one language."""
    from trustsvc.badge import content
    from trustsvc.badge.render import snippets

    return snippets.card(shop.slug, config.current().base_url, content.card_words(language))


def webhook_url(shop: directory.Shop, base_url: str = "") -> str:
    """Give the address a shop's platform posts to."""
    return f"{base_url or config.current().base_url}/webhooks/{shop.platform}/{shop.endpoint_id}"
