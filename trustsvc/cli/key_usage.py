"""`trustsvc keys usage`, `re-encrypt` and `retire`: what still needs the older keys."""

from datetime import timedelta

import click

from trustsvc import clock
from trustsvc.crypto import keyring
from trustsvc.errors import Refused
from trustsvc.privacy.keys import in_use, re_encrypt
from trustsvc.storage import db

REPORT_EVERY = 20_000  # rows
MIN_AGE = timedelta(hours=1)  # no transaction lasts longer


@click.command("re-encrypt")
def re_encrypt_columns() -> None:
    """Encrypt every column again with the newest key of the vault, while the service runs.

    Interrupted half-way, run it again. At the end it counts what still needs each key.
    """
    last: dict[str, re_encrypt.TableProgress] = {}
    for at in re_encrypt.re_encrypt_all():
        if at.seen // REPORT_EVERY > (
            last[at.table].seen // REPORT_EVERY if at.table in last else 0
        ):
            click.echo(f"{at.table}: {at.seen:,} of {at.total:,} rows")
        last[at.table] = at
    for at in last.values():
        click.echo(f"{at.table}: {at.seen:,} rows, {at.renewed:,} columns encrypted again")
    _print_usage()


@click.command()
def usage() -> None:
    """Count what needs each key of vault, registry and lookup; reads the whole database."""
    with db.reading() as session:
        count = in_use.count_pseudonyms(session)
    for kind in in_use.KINDS:
        for key in keyring.keys(kind):
            click.echo(
                f"{kind} version {key.version}: {count[kind, key.version]:,} pseudonyms need it"
            )
    _print_usage()


def _print_usage() -> None:
    count = re_encrypt.count_key_versions()
    for key in keyring.keys("vault"):
        click.echo(f"vault version {key.version}: {count.get(key.version, 0):,} columns need it")
    if None in count:
        raise click.ClickException(
            f"{count[None]:,} columns open with none of the keys here: is the folder keys whole?"
        )


@click.command()
@click.argument("version", type=int)
@click.option(
    "--kind",
    type=click.Choice(["vault", *in_use.KINDS]),
    default="vault",
    show_default=True,
    help="The kind of the key.",
)
def retire(version: int, kind: str) -> None:
    """Delete an older key, when nothing needs it.

    Backups made before (with the vault: before `keys re-encrypt`) still need it: keep a copy
    of the key with them.
    """
    newest = keyring.newest_key(kind)
    if newest.made_at and clock.now() - newest.made_at < MIN_AGE:
        raise Refused(
            "The newest key is less than an hour old: running work may still use the older one."
        )
    if kind == "vault" and (left := re_encrypt.count_key_versions().get(version, 0)):
        raise Refused(f"{left:,} columns still need that key: run trustsvc keys re-encrypt first.")
    if kind != "vault":
        with db.reading() as session:
            left = in_use.count_pseudonyms(session)[kind, version]
        if left:
            raise Refused(f"{left:,} pseudonyms still need that key, and cannot be computed again.")
    keyring.retire(kind, version)
    click.echo(
        f"{kind} version {version} is deleted. Copy the folder keys again to its backup place."
    )
