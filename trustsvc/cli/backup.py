"""`trustsvc backup`: the whole database in one file, without the keys."""

from pathlib import Path

import click

from trustsvc import clock, config
from trustsvc.backup import create


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
def backup(file: Path) -> None:
    """Write the whole database into FILE, while the service runs.

    The keys are not in it: copy the folder `keys` to another place than FILE, and the folder
    `suppressions` as often as you can.
    """
    made = create.write(file.absolute(), clock.now())
    data = config.current().data
    click.echo(f"{made.size:,} bytes of {made.database} as of {made.at}, checksummed.")
    click.echo(f"The keys are NOT in it, and without them nobody can read it: copy {data / 'keys'}")
    click.echo("to another place than this file.")
    click.echo(f"Copy {data / 'suppressions'} as often as you can: opt-outs from now on are in")
    click.echo("it, and after a restore no invitation leaves without it.")
