"""`trustsvc log`: the server log and the security entries."""

import json
from datetime import datetime, timedelta

import click

from trustsvc import clock, config
from trustsvc.cli.moment import MomentType
from trustsvc.privacy.retention import purge_log_files
from trustsvc.server_log import attack_patterns, retention, security_entries
from trustsvc.storage import db

MAX_ENTRIES = 10_000


@click.group()
def log() -> None:
    """Purge the server log, and list what looked like an attack."""


@log.command()
@click.option(
    "--dry-run", is_flag=True, help="Only list what would be deleted now, and when the rest is."
)
def purge(dry_run: bool) -> None:
    """Delete the files whose first line is about to reach the promised age."""
    now, settings = clock.now(), config.current()
    gone = [] if dry_run else purge_log_files.purge(now)
    for path in gone:
        click.echo(f"deleted  {_name(path)}")
    kept = retention.list_files(settings.data / "log", now, settings.log_days)
    for file in kept:
        is_due = file.goes_at <= now
        if dry_run or is_due or file.strange:
            when = "goes now" if is_due else f"goes {file.goes_at:%Y-%m-%dT%H:%MZ}"
            note = "  (its name states no hour: by its last change)" if file.strange else ""
            click.echo(f"{when}  {_name(file.path)}{note}")
    tonight = sum(now < file.goes_at <= now + timedelta(days=1) for file in kept)
    if dry_run:
        click.echo(f"{tonight} more go within a day.")
    word = "would be deleted" if dry_run else "deleted"
    number = sum(file.goes_at <= now for file in kept) if dry_run else len(gone)
    left = len(kept) - (number if dry_run else 0)
    click.echo(f"{number} {word}, {left} kept; a file goes after {settings.log_days} days at most.")


@log.command()
@click.option("--since", type=MomentType(), help="From this moment on; default: a day ago.")
@click.option("--kind", type=click.Choice(attack_patterns.KINDS), help="Only this kind.")
@click.option("--json", "as_json", is_flag=True, help="One JSON list.")
def security(since: datetime | None, kind: str | None, as_json: bool) -> None:
    """List what looked like an attack, newest first: one line an address and minute."""
    start = since or clock.now() - timedelta(days=1)
    with db.reading() as session:
        entries = security_entries.list_entries(
            session, since=start, kind=kind or "", limit=MAX_ENTRIES
        )
    if as_json:
        click.echo(json.dumps([_plain(entry) for entry in entries], indent=1))
        return
    for entry in entries:
        click.echo(
            f"{entry.minute:%Y-%m-%dT%H:%MZ}  {entry.count:>8}  {entry.kind:<15}  "
            f"{entry.access:<9}  {entry.address}"
        )
    more = f" (the newest {MAX_ENTRIES}; the desk shows all)" if len(entries) == MAX_ENTRIES else ""
    click.echo(f"{len(entries)} entries{more}; an entry goes after {_days()} days at most.")


def _plain(entry: security_entries.SecurityEntry) -> dict[str, object]:
    """One object of `--json`."""
    minute = f"{entry.minute:%Y-%m-%dT%H:%MZ}"
    return {name: getattr(entry, name) for name in entry.__slots__} | {"minute": minute}


def _days() -> int:
    return config.current().log_days


def _name(path: object) -> str:
    # Escaped: a file name must not control the terminal.
    folder = config.current().data / "log"
    return ascii(str(path).removeprefix(f"{folder}/"))[1:-1]
