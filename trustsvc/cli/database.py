"""`trustsvc database`: change how its tables are kept."""

import click

from trustsvc import clock
from trustsvc.storage import db, partitions


@click.group()
def database() -> None:
    """Change how the tables of PostgreSQL are kept."""


@database.command()
def partition() -> None:
    """Keep decision log and event log by month, for good; orders wait for some tenths of a second.

    Read docs/adr/0038-partitions.md first: it is for millions of orders a year. Repeat it when it
    ends because a table is in use.
    """
    if db.is_sqlite():
        raise click.ClickException("SQLite has no partitions: see TRUSTSVC_DATABASE_URL.")
    for table in partitions.BY_MONTH:
        done = partitions.partition(table, clock.now())
        click.echo(f"{table}  {'partitioned' if done else 'is partitioned already'}")
