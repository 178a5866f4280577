"""`trustsvc shop connect`, `disconnect`, `catch-up`: fetch orders whose webhooks did not arrive.

Credentials are read from standard input or a prompt, never from the command line: other users of
this machine see arguments, and the shell's history keeps them.
"""

import sys

import click

from trustsvc import clock
from trustsvc.cli.connection_text import CAUSES, WEBHOOKS
from trustsvc.orders.catch_up import connection_status, connections
from trustsvc.orders.catch_up.connect import make_credentials
from trustsvc.orders.catch_up.paging import ApiFailed
from trustsvc.orders.catch_up.platforms.credentials import ApiCredentials
from trustsvc.orders.catch_up.run import CatchUpRun, catch_up_next, try_credentials
from trustsvc.shops import directory
from trustsvc.storage import db
from trustsvc.work_queue import job_queue

MAX_INPUT = 5000
PROMPTS = {
    "woocommerce": ("Consumer key (ck_…)", "Consumer secret (cs_…)"),
    "shopify": ("Client id (empty with an access token)", "Client secret or access token"),
    "lightspeed": ("API key", "API secret"),
}


@click.command("connect")
@click.argument("slug")
@click.option("--url", default="", help="Address of the shop's API, where it is not the usual one.")
def connect(slug: str, url: str) -> None:
    """Hold API credentials of a shop: key and secret, a line each, on standard input.

    They are tried first, and kept encrypted. From then on orders whose webhooks did not arrive are
    fetched every ten minutes, and webhooks that the platform disabled are enabled again.
    """
    with db.reading() as session:
        shop = directory.by_slug(session, slug)
    key, secret = _read(shop.platform)
    credentials = make_credentials(shop, url, key, secret)
    _try(shop, credentials)
    with db.transaction() as session:
        connections.connect(session, shop, credentials, clock.now())
        job_queue.enqueue(session, "catch_up")
    click.echo(f"{slug} is connected; the first orders arrive within a minute.")


@click.command("disconnect")
@click.argument("slug")
def disconnect(slug: str) -> None:
    """Delete a shop's API credentials here; revoke them in the shop as well."""
    with db.transaction() as session:
        connections.disconnect(session, directory.by_slug(session, slug).id)
    click.echo(f"The API credentials of {slug} are deleted; revoke them in the shop as well.")


@click.command("catch-up")
@click.argument("slug")
def catch_up(slug: str) -> None:
    """Fetch a shop's missed orders now; exits with 1 when that fails."""
    with db.reading() as session:
        shop = directory.by_slug(session, slug)
        if shop.id not in connection_status.of_shops(session):
            raise click.ClickException(
                f"There are no API credentials: trustsvc shop connect {slug}"
            )
    run = CatchUpRun(db.transaction, clock.now, lambda: True)
    done = catch_up_next(run, shop.id)
    if done is None:
        raise click.ClickException("It runs already, or the shop is closed.")
    outcome, count = done
    click.echo(
        f"{count.new} new orders, {count.known} known, {count.ignored} ignored, "
        f"{count.unreadable} unreadable"
    )
    if outcome.failure:
        raise click.ClickException(CAUSES[outcome.failure.problem])
    if outcome.webhook_status:
        click.echo(WEBHOOKS[outcome.webhook_status])


def _try(shop: directory.Shop, credentials: ApiCredentials) -> None:
    try:
        try_credentials(shop, credentials, clock.now())
    except ApiFailed as failure:
        raise click.ClickException(f"Nothing was kept: {CAUSES[failure.problem]}.") from None


def _read(platform: str) -> tuple[str, str]:
    """Read key and secret; a single line is an access token, which needs no key."""
    if sys.stdin.isatty():
        first, second = PROMPTS.get(platform, ("Key", "Secret"))
        key = click.prompt(first, default="", show_default=False)
        return key.strip(), click.prompt(second, hide_input=True).strip()
    lines = [line.strip() for line in sys.stdin.read(MAX_INPUT).splitlines() if line.strip()]
    if len(lines) == 1:
        return "", lines[0]
    if len(lines) != 2:
        raise click.UsageError("Give key and secret on standard input, a line each.")
    return lines[0], lines[1]
