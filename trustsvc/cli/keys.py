"""`trustsvc keys`: which keys there are, and a new one of a kind. Never shows a key."""

import json
from datetime import timedelta

import click

from trustsvc import clock
from trustsvc.cli import dkim
from trustsvc.crypto import keyring
from trustsvc.errors import Refused
from trustsvc.mail import dkim_keys
from trustsvc.privacy.keys import in_use, re_encrypt
from trustsvc.storage import db

DKIM = "dkim"
EVERY = 20_000  # rows between two lines of progress
SETTLED = timedelta(hours=1)  # no transaction lasts as long
STAYS = {
    "registry": "Registrations and opt-outs made with the older keys still match.",
    "lookup": "Buyers and orders known by the older keys are still recognised.",
    "link": "Links in letters that have left still open.",
    "desk": "Sessions and one-time links of staff go on.",
    "vault": "What was sealed with the older keys still opens. Seal it anew: trustsvc keys reseal.",
    "receipt": "Receipts signed with the older keys still verify.",
    "badge": "In two hours badges are signed with it; those signed before still verify.",
}


@click.group()
def keys() -> None:
    """Look at the key ring, and add a new key of a kind."""


@keys.command("list")
@click.option("--json", "as_json", is_flag=True, help="For a program.")
def list_(as_json: bool) -> None:
    """List kinds, versions and ages."""
    now = clock.now()
    rows = [
        {
            "kind": kind,
            "version": key.version,
            "made_at": key.made_at.isoformat() if key.made_at else None,
            "days": (now - key.made_at).days if key.made_at else None,
        }
        for kind in keyring.KINDS
        for key in keyring.existing_keys(kind)
    ]
    if as_json:
        click.echo(json.dumps(rows))
        return
    for row in rows:
        age = "of unknown age" if row["days"] is None else f"{row['days']} days old"
        click.echo(f"{row['kind']:<9} version {row['version']:<3} {age}")


keys.add_command(dkim.dkim)


@keys.command()
@click.argument("kind", type=click.Choice(sorted([*keyring.KINDS, DKIM])))
def rotate(kind: str) -> None:
    """Add a new key of KIND; what was made with the older ones stays good.

    Running processes take it up at once. Older keys are never removed here: each lives as long as
    something made with it. A key of dkim waits until its record is published.
    """
    if kind == DKIM:
        taken = [*dkim_keys.in_use(), *dkim_keys.waiting(), *dkim_keys.ended()]
        day = f"t{clock.now():%Y%m%d}"
        number = sum(key.selector.startswith(day) for key in taken)
        dkim.show(dkim_keys.make(f"{day}-{number + 1}" if number else day, "rsa"))
        return
    made = keyring.rotate(kind)
    click.echo(f"{kind} version {made.version} is in use from now on. {STAYS[kind]}")
    click.echo("Copy the folder keys again to where its copy lies.")


@keys.command()
def reseal() -> None:
    """Seal everything anew with the newest key of the vault, while the service runs.

    Killed half-way, say it again. At the end it says which older keys nothing needs any more.
    """
    last: dict[str, re_encrypt.TableProgress] = {}
    for at in re_encrypt.re_encrypt_all():
        if at.seen // EVERY > (last[at.table].seen // EVERY if at.table in last else 0):
            click.echo(f"{at.table}: {at.seen:,} of {at.total:,} rows")
        last[at.table] = at
    for at in last.values():
        click.echo(f"{at.table}: {at.seen:,} rows, {at.renewed:,} columns sealed anew")
    _say_needed()


@keys.command()
def progress() -> None:
    """Count what needs each key of the vault, the registry and the look-ups; reads all of it."""
    with db.reading() as session:
        marks = in_use.count_pseudonyms(session)
    for kind in in_use.KINDS:
        for key in keyring.keys(kind):
            click.echo(f"{kind} version {key.version}: {marks[kind, key.version]:,} marks need it")
    _say_needed()


def _say_needed() -> None:
    count = re_encrypt.count_key_versions()
    for key in keyring.keys("vault"):
        click.echo(f"vault version {key.version}: {count.get(key.version, 0):,} columns need it")
    if None in count:
        raise click.ClickException(
            f"{count[None]:,} columns open with none of the keys here: is the folder keys whole?"
        )


@keys.command()
@click.argument("version", type=int)
@click.option("--kind", type=click.Choice(["vault", *in_use.KINDS]), default="vault")
def retire(version: int, kind: str) -> None:
    """Take an older key away for good, when nothing needs it.

    Backups made before (with the vault: before `keys reseal`) still do: keep a copy of it with
    them.
    """
    newest = keyring.newest_key(kind)
    if newest.made_at and clock.now() - newest.made_at < SETTLED:
        raise Refused("The newest key is too young: what is under way may still use the older one.")
    if kind == "vault" and (left := re_encrypt.count_key_versions().get(version, 0)):
        raise Refused(f"{left:,} columns still need that key: trustsvc keys reseal comes first.")
    if kind != "vault":
        with db.reading() as session:
            left = in_use.count_pseudonyms(session)[kind, version]
        if left:
            raise Refused(f"{left:,} marks still need that key, and cannot be made anew.")
    keyring.retire(kind, version)
    click.echo(
        f"{kind} version {version} is gone. Copy the folder keys again to where its copy is."
    )
