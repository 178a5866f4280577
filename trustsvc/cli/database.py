"""`trustsvc database`: change how its tables are kept."""

import click
from sqlalchemy.exc import IntegrityError, OperationalError

from trustsvc.storage import db, partitioning, partitions

IN_USE = ("55P03", "40P01")  # lock_not_available, deadlock_detected


@click.group()
def database() -> None:
    """Change how the tables of PostgreSQL are kept."""


@database.command()
def partition() -> None:
    """Keep decision log and event log by month, for good.

    Read docs/adr/0038-partitions.md first: it is for millions of orders a year. Orders wait for
    some tenths of a second. While something reads for long, such as pg_dump, they wait for up to
    two seconds a lock, and it ends: repeat it afterwards. What is stored before stays in one part
    that ends with next month, and is rewritten whole until it is dropped.
    """
    if db.is_sqlite():
        raise click.ClickException("SQLite has no partitions: see TRUSTSVC_DATABASE_URL.")
    for table in partitions.BY_MONTH:
        click.echo(f"{table}  {_partition(table)}")


def _partition(table: str) -> str:
    try:
        done = partitioning.partition(table)
    except IntegrityError:
        raise click.ClickException(
            f"A line of {table} that is dated more than a month ahead came meanwhile: set the "
            "clock right (trustsvc doctor), then run this again."
        ) from None
    except OperationalError as error:
        if getattr(error.orig, "sqlstate", None) not in IN_USE:
            raise
        raise click.ClickException(
            f"{table} is in use, by a backup or another long reader: run this again afterwards."
        ) from None
    return "partitioned" if done else "is partitioned already"
