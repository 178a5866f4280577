"""`trustsvc backup` and `trustsvc restore`: a copy to take away, and a house made from one."""

from pathlib import Path

import click

from trustsvc import clock, config
from trustsvc.backup import create
from trustsvc.backup import restore as back
from trustsvc.cli import data_folder_lock

# Why letters do not leave after a restore, in words.
WHY = {
    "no_suppressions": "the file suppressions/marks is not here",
    "other_suppressions": "the file suppressions/marks is not the one of this backup",
    "older_suppressions": "the file suppressions/marks is older than this backup",
    "damaged_suppressions": "lines of the file suppressions/marks cannot be read",
    "unknown_keys": "the folder keys is older than suppressions/marks: bring its newest copy",
    "not_finished": "the last restore did not end: empty the database and restore again",
}


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
def backup(file: Path) -> None:
    """Write the whole database into FILE, while the service runs.

    The keys are not in it: copy the folder `keys` to another place, and the folder `suppressions`
    as often as you can.
    """
    made = create.write(file.absolute(), clock.now())
    data = config.current().data
    click.echo(f"{made.size:,} bytes of {made.database} as of {made.at}, checksummed.")
    click.echo(f"The keys are NOT in it. Without them it opens for nobody: copy {data / 'keys'}")
    click.echo("to another place than this file.")
    click.echo(f"Copy {data / 'suppressions'} as often as you can: it knows who says stop from")
    click.echo("now on, and after a restore no letter leaves without it.")


@click.command()
@click.argument("file", required=False, type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "--nothing-sent-since",
    is_flag=True,
    help="No letter left since the backup (the service was stopped before): set none aside.",
)
@click.option(
    "--sending-on",
    is_flag=True,
    help="Let letters leave again after a restore that did not know of everybody who said stop.",
)
def restore(file: Path | None, nothing_sent_since: bool, sending_on: bool) -> None:
    """Make FILE the database of an empty data folder, with its keys in place.

    Who said stop since the backup is read from the folder `suppressions`; where that is missing or
    not the right one, no letter leaves until you say --sending-on.
    """
    if sending_on:
        if file is not None:
            raise click.UsageError("First restore, then look, then say --sending-on.")
        done = back.resume_sending()
        click.echo("Letters leave again." if done else "No restore keeps letters from leaving.")
        return
    if file is None:
        raise click.UsageError("Say which FILE to restore.")
    with data_folder_lock.exclusive():
        came = back.restore(file, clock.read(), nothing_sent_since=nothing_sent_since)
    _report(came)


def _report(came: back.Restored) -> None:
    made = came.manifest
    click.echo(f"Restored as of {made.at} (trustsvc {made.trustsvc}, {made.database}).")
    newest = f", the newest of {came.newest:%Y-%m-%dT%H:%M:%SZ}" if came.newest else ""
    click.echo(f"{came.replayed} wishes were taken up again{newest}.")
    if came.set_aside:
        click.echo(
            f"{came.set_aside} letters may have left since the backup: they are `unknown` and will "
            "not be sent by themselves."
        )
    click.echo(f"{came.badges} badge files were rendered.")
    if came.stopped:
        click.echo(f"NO LETTER LEAVES: {WHY[came.stopped]}.")
        click.echo("Somebody may have said stop who is not known here. When you have made sure:")
        click.echo("trustsvc restore --sending-on")
