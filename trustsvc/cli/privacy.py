"""`trustsvc privacy`: documents, changes of the notice, and whose data was concerned."""

import os
import pwd
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import click
from sqlalchemy import create_engine
from sqlalchemy.orm import Session

from trustsvc import clock, config
from trustsvc.backup import archive
from trustsvc.crypto import keyring
from trustsvc.errors import NotFound, Refused
from trustsvc.privacy import breach
from trustsvc.privacy.documents import announcement, data_inventory, documents, notice_history
from trustsvc.privacy.keys import reach
from trustsvc.shops import directory
from trustsvc.storage import db


@click.group()
def privacy() -> None:
    """What a privacy officer needs: documents, notices, whose data was concerned."""


@privacy.command("documents")
@click.option(
    "--out", type=click.Path(path_type=Path), help="Folder; default: documents in TRUSTSVC_DATA."
)
def write_documents(out: Path | None) -> None:
    """Write the record of processing, the contract annex and the notices, in four languages."""
    folder = out or config.current().data / "documents"
    with db.reading() as session:
        made = documents.render_all(session, config.current(), clock.now())
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in made.items():
        (folder / name).write_text(text, encoding="utf-8")
    click.echo(f"{len(made)} documents written to {folder}")


@privacy.command()
@click.option("--shop", "slug", required=True, help="Whose notice.")
@click.option("--send", is_flag=True, help="Write to them now.")
def announce(slug: str, send: bool) -> None:
    """Say how many people a changed notice concerns; with --send write to them, once."""
    now = clock.now()
    with db.transaction() as session:
        notice_history.record(
            session, notice_history.changed_notices(session, config.current()), now
        )
    with db.reading() as session:
        shop = directory.by_slug(session, slug)
        newest = notice_history.history(session, shop.id, "en")[0]
        audience = announcement.audience(session, shop, newest.since)
    state = "announced" if newest.announced_at else "not announced"
    click.echo(f"Version {newest.version} of {newest.since:%Y-%m-%d %H:%MZ}: {state}.")
    click.echo(
        f"{len(audience.people):>8}  people whose address is held: {audience.buyers} invited "
        f"buyers, {audience.authors} authors of reviews"
    )
    click.echo(
        f"{audience.by_pseudonym_only:>8}  registered people, known by pseudonym only: no e-mail"
    )
    if not send:
        return
    with db.transaction() as session:
        number = announcement.announce(session, shop, newest.version, now)
    click.echo(f"{number} e-mails are queued.")


@privacy.command("breach-scope")
@click.option("--table", help="A table of the database.")
@click.option("--key", help="A key, as KIND:VERSION (see trustsvc keys list).")
@click.option(
    "--backup",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="A file of trustsvc backup; its keys must be in the key folder.",
)
@click.option("--list", "is_list", is_flag=True, help="Name the people, here only.")
def breach_scope(table: str | None, key: str | None, backup: Path | None, is_list: bool) -> None:
    """Show whose data a table, a key or a backup held; --list is written to the disclosure log."""
    if sum(word is not None for word in (table, key, backup)) != 1:
        raise click.UsageError("Give one of --table, --key and --backup.")
    columns, what = data_inventory.personal(), "backup"
    test: breach.ColumnTest = breach.any_value
    if table is not None:
        columns, what = _of_table(table), f"table {table}"
    elif key is not None:
        kind, number = _key(key)
        reached, test = reach.reach(kind, number)
        columns, what = tuple(reached), f"key {kind}:{number}"
    with _inside(backup) if backup else db.reading() as session:
        scope = breach.scope(session, columns, test)
    _show(scope)
    if not columns:
        click.echo("No personal data is held or opened by this.")
    if is_list:
        _list(scope, what)


def _of_table(name: str) -> tuple[data_inventory.InfoColumn, ...]:
    if name not in {column.table.name for column in data_inventory.columns()}:
        raise NotFound("There is no such table.")
    return tuple(column for column in data_inventory.personal() if column.table.name == name)


def _key(text: str) -> tuple[str, int]:
    kind, _, number = text.partition(":")
    if kind not in keyring.KINDS or not (number.isascii() and number.isdigit()):
        raise click.BadParameter("write it like vault:1.", param_hint="--key")
    return kind, int(number)


@contextmanager
def _inside(path: Path) -> Iterator[Session]:
    """Open the database inside a backup, in a copy that goes away again."""
    manifest, _ = archive.check(path)
    if manifest.database != "sqlite":
        raise Refused(
            "The backup is of PostgreSQL: restore it onto an empty database and data folder, and "
            "ask there with --table or --key."
        )
    with TemporaryDirectory(dir=config.current().data, prefix=".reached-") as place:
        copy = Path(place) / "database"
        archive.copy_database(path, copy)
        engine = create_engine(f"sqlite:///{copy}", hide_parameters=True)
        try:
            with Session(engine) as session:
                yield session
        finally:
            engine.dispose()


def _show(scope: breach.BreachScope) -> None:
    for shop, number in sorted(scope.people_by_shop().items()):
        click.echo(f"{shop}: at least {number} people")
        for (of, table, holds), values in sorted(scope.values.items()):
            if of == shop:
                click.echo(f"{values:>8}  {table}: {holds}")
    if not scope.values:
        click.echo("No people.")
    if scope.unopened:
        click.echo(f"{scope.unopened} values are encrypted with keys that are not here.")


def _list(scope: breach.BreachScope, what: str) -> None:
    by = pwd.getpwuid(os.getuid()).pw_name
    with db.transaction() as session:
        breach.record_disclosure(session, what, len(scope.people), by, clock.now())
    for (shop, who), person in sorted(scope.people.items()):
        known = [person.name, person.address, person.pseudonym and f"pseudonym {person.pseudonym}"]
        fields = [field for field in known if field] or [who]
        click.echo("\t".join([shop, *map(_plain, fields)]))


def _plain(text: str) -> str:
    # What a stranger wrote must not steer the terminal it is shown on.
    return "".join(character if character.isprintable() else "?" for character in text)
