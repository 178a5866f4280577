"""`trustsvc log`: the web server's log."""

import click

from trustsvc import clock, config
from trustsvc.privacy import purge_log
from trustsvc.server_log import purge as server_log


@click.group()
def log() -> None:
    """Look after the web server's log."""


@log.command()
@click.option("--dry-run", is_flag=True, help="Only say what would go now, and when the rest goes.")
def purge(dry_run: bool) -> None:
    """Delete the files whose first line is about to be as old as promised."""
    now, settings = clock.now(), config.current()
    gone = [] if dry_run else purge_log.purge(now)
    for path in gone:
        click.echo(f"deleted  {_name(path)}")
    kept = server_log.everything(settings.data / "log", now, settings.log_days)
    for file in kept:
        is_due = file.goes_at <= now
        if dry_run or is_due or file.strange:
            when = "goes now" if is_due else f"goes {file.goes_at:%Y-%m-%dT%H:%MZ}"
            doubt = "  (its name says no hour: by its last writing)" if file.strange else ""
            click.echo(f"{when}  {_name(file.path)}{doubt}")
    word = "would be deleted" if dry_run else "deleted"
    number = sum(file.goes_at <= now for file in kept) if dry_run else len(gone)
    left = len(kept) - (number if dry_run else 0)
    click.echo(f"{number} {word}, {left} kept; a file goes after {settings.log_days} days at most.")


def _name(path: object) -> str:
    # A name somebody else chose must not steer the terminal it is shown on.
    folder = config.current().data / "log"
    return ascii(str(path).removeprefix(f"{folder}/"))[1:-1]
