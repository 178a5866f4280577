"""`trustsvc keys dkim`: keys that sign e-mails, and their DNS records."""

import click

from trustsvc.doctor import sender_dns
from trustsvc.errors import Refused
from trustsvc.mail import dkim_keys


@click.group()
def dkim() -> None:
    """Sign e-mails: make a key, publish its record, use it, end the one before."""


@dkim.command()
@click.argument("selector")
@click.option(
    "--kind",
    type=click.Choice(["rsa", "ed25519"]),
    default="rsa",
    show_default=True,
    help="The signature algorithm.",
)
def make(selector: str, kind: str) -> None:
    """Make a key that is not used yet, and print the record to publish.

    Receivers that do not know Ed25519 ignore it: use such a key beside an RSA key, never alone.
    """
    show(dkim_keys.make(selector, kind))


@dkim.command()
@click.argument("selector")
@click.option("--unseen", is_flag=True, help="The record cannot be looked up from here.")
def use(selector: str, unseen: bool) -> None:
    """Sign with a key from the next e-mail on, once its record is in the DNS."""
    key = next((one for one in dkim_keys.waiting() if one.selector == selector), None)
    if key and not unseen:
        domain = dkim_keys.domain()
        state = sender_dns.published(key, domain)
        if state != "published":
            raise Refused(
                f"The record of {selector}._domainkey.{domain} is {state}: publish it (trustsvc "
                "keys dkim list) and wait, or use --unseen where no resolver answers."
            )
    dkim_keys.use(selector)
    click.echo(f"E-mails are signed with {selector} from now on.")


@dkim.command()
@click.argument("selector")
def end(selector: str) -> None:
    """Stop signing with a key. Leave its record for a week: e-mails are still under way."""
    dkim_keys.end(selector)
    left = ", ".join(key.selector for key in dkim_keys.in_use())
    click.echo(f"E-mails are signed with {left}." if left else "E-mails are no longer signed here.")


@dkim.command("list")
def list_() -> None:
    """List keys with their state and their records, which are public."""
    domain = dkim_keys.domain()
    for state, keys in (
        ("signs", dkim_keys.in_use()),
        ("waits", dkim_keys.waiting()),
        ("ended", dkim_keys.ended()),
    ):
        for key in keys:
            click.echo(f"{key.selector:<16} {state}  {key.kind}\n  {key.zone_line(domain)}")


def show(key: dkim_keys.DkimKey) -> None:
    """Print what to do with a new key."""
    click.echo(f"Publish this record, then run: trustsvc keys dkim use {key.selector}")
    click.echo(key.zone_line(dkim_keys.domain()))
