"""`trustsvc shop`: enrol a shop, change its settings, give it a new secret, list them all."""

import json
import sys
from collections.abc import Mapping
from typing import Any

import click

from trustsvc import clock, migrations
from trustsvc.cli.lazy_group import LazyGroup
from trustsvc.cli.shop_settings import setting_options
from trustsvc.cli.shop_snippets import card_html, webhook_url
from trustsvc.crypto import keyring
from trustsvc.shops import directory, domain_proof, enrol, secret_rotation, settings
from trustsvc.storage import db

COMMANDS = {
    "badge": "trustsvc.cli.shop_snippets:badge",
    "card": "trustsvc.cli.shop_snippets:card",
    "catch-up": "trustsvc.cli.shop_connect:catch_up",
    "connect": "trustsvc.cli.shop_connect:connect",
    "disconnect": "trustsvc.cli.shop_connect:disconnect",
    "list": "trustsvc.cli.shop_list:list_",
    "try": "trustsvc.cli.shop_try:try_",
}
SETUP_STEPS = {
    "shopify": "Settings, Notifications, Webhooks: one webhook each for order creation, update, "
    "payment, fulfilment, cancellation and refund, format JSON. Its secret is shown there: "
    "trustsvc shop rotate {slug} --now --secret …",
    "woocommerce": "WooCommerce, Settings, Advanced, Webhooks: one each for order created, "
    "updated, deleted and restored, with this address and secret.",
    "lightspeed": "One POST to webhooks.json for each of orders/created, paid, shipped and "
    "updated, with this address. They are signed with your app's secret: trustsvc shop rotate "
    "{slug} --now --secret …",
    "standard": "Sign each POST by the Standard Webhooks specification with this secret.",
}


def _given_settings(given: Mapping[str, object]) -> dict[str, Any]:
    values: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    if "delay_days" in values:
        if "delay" in values or "delay_unit" in values:
            raise click.UsageError("Give --delay-days, or --delay with --delay-unit.")
        values |= {"delay": values.pop("delay_days"), "delay_unit": "days"}
    if "wording" in values:
        try:
            values["wording"] = values["wording"].read_text(encoding="utf-8").strip()
        except UnicodeDecodeError:
            raise click.UsageError("The wording must be a text file in UTF-8.") from None
        if not values["wording"]:
            raise click.UsageError("The wording is empty.")
    return values


@click.group(cls=LazyGroup, lazy=COMMANDS)
def shop() -> None:
    """Enrol shops and change how they ask."""
    keyring.make_all()
    if not migrations.is_current():
        migrations.upgrade()


@shop.command()
@setting_options(needed=True)
@click.option(
    "--platform",
    required=True,
    type=click.Choice(enrol.PLATFORMS),
    help="Which webhooks the shop sends.",
)
@click.option("--secret", help="The platform's own secret; without it one is made.")
@click.option("--json", "as_json", is_flag=True, help="For scripts.")
def add(*, as_json: bool, secret: str | None, **given: object) -> None:
    """Enrol a shop; its secret is shown once."""
    if secret is not None and not secret.strip():
        raise click.UsageError("The secret is empty.")
    if given["language"] is None and not as_json and sys.stdin.isatty():
        choices = click.Choice(settings.CHOICES["language"])
        given["language"] = click.prompt("Language of the shop", type=choices, default="en")
    new = enrol.Enrolment(secret=secret or "", **_given_settings(given))
    with db.transaction() as session:
        made, new_secret = enrol.enrol(session, new, clock.now())
    _refresh_badge(made)
    snippets = _badge_snippets(made)
    if as_json:
        answer = {
            "shop": made.slug,
            "webhook_url": webhook_url(made),
            "secret": new_secret,
            "badge_html": snippets["script"],
            "badge_html_pinned": snippets["pinned"],
            "csp": snippets["policy"],
            "card_html": card_html(made, made.language),
        }
        click.echo(json.dumps(answer))
        return
    click.echo(f"{made.name} is enrolled as {made.slug}.\n")
    click.echo(f"Webhook address  {webhook_url(made)}")
    click.echo(f"Secret           {new_secret}   (shown only now)\n")
    click.echo(SETUP_STEPS[made.platform].format(slug=made.slug))
    click.echo(f"\nPaste where the badge shall be:\n\n{snippets['script']}")
    click.echo("\nOr with one release of the script, which a browser checks by its hash:\n")
    click.echo(snippets["pinned"])
    click.echo("\nIf your pages have a Content-Security-Policy, add to it:\n")
    click.echo(snippets["policy"])
    click.echo(f"\nOther kinds, without a script or the reviews: trustsvc shop badge {made.slug}")
    click.echo(f"For the page after an order: trustsvc shop card {made.slug}")
    click.echo(f"To see what becomes of an order: trustsvc shop try {made.slug}")


@shop.command("prove")
@click.argument("slug")
def prove_domain(slug: str) -> None:
    """Prove a shop's domain, so that its badge shows the seal."""
    with db.reading() as session:
        enrolled = directory.by_slug(session, slug)
    domain_proof.require_proof(enrolled)
    with db.transaction() as session:
        domain_proof.record_proof(session, enrolled, clock.now())
    click.echo(f"{enrolled.domain} is proven; the badge shows the seal within a minute.")


@shop.command("set")
@click.argument("slug")
@setting_options(needed=False)
@click.option("--reminder-days", type=int, help="Days to a reminder; 0 for none.")
@click.option("--cap-days", type=int, help="Days in which a buyer is invited at most once.")
@click.option("--max-age-days", type=int, help="Older orders lead to no invitation.")
@click.option(
    "--fallback-days", type=int, help="Days after payment until --fallback decides (default 30)."
)
def change(slug: str, **given: object) -> None:
    """Change settings of a shop."""
    values = _given_settings(given)
    if not values:
        raise click.UsageError("Say what to change: trustsvc shop set --help")
    change = settings.SettingsChange(**values)
    with db.transaction() as session:
        now = settings.change_settings(session, slug, change, clock.now())
    _refresh_badge(now)
    when = f"{now.delay} {now.delay_unit} after {now.moment}"
    click.echo(f"{now.slug}: asks {now.may_ask}, {when}, in {now.language}, {now.zone}.")
    if "reply_to" in values:
        click.echo(f"Answers of buyers go to {now.reply_to or 'nobody at the shop'}.")


@shop.command("rotate")
@click.argument("slug")
@click.option("--secret", help="The platform's own new secret; without it one is made.")
@click.option("--now", "revoke", is_flag=True, help="End the old secret within a second.")
@click.option("--json", "as_json", is_flag=True, help="For scripts.")
def rotate(slug: str, *, secret: str | None, revoke: bool, as_json: bool) -> None:
    """Give a shop a new secret; the old one works for 24 hours more."""
    if secret is not None and not secret.strip():
        raise click.UsageError("The secret is empty.")
    with db.transaction() as session:
        new_secret = secret_rotation.rotate_secret(
            session, slug, secret or "", clock.now(), revoke=revoke
        )
    if as_json:
        click.echo(json.dumps({"shop": slug, "secret": new_secret}))
        return
    click.echo(f"New secret of {slug}: {new_secret}   (shown only now)")
    click.echo("The old one has ended." if revoke else "The old one works for 24 hours more.")


def _badge_snippets(shop: directory.Shop) -> Mapping[str, str]:
    from trustsvc.badge import embed_code

    return embed_code.for_shop(shop)


def _refresh_badge(shop: directory.Shop) -> None:
    from trustsvc.badge import refresh

    with db.transaction() as session:
        refresh.refresh(session, [shop.id], clock.now())
