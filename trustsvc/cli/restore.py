"""`trustsvc restore`: a backup becomes the database again, and sending waits where it must."""

from pathlib import Path

import click

from trustsvc import clock
from trustsvc.backup.restore import Restored, restore, resume_sending
from trustsvc.cli import data_folder_lock

# Why no invitation leaves after a restore.
REASONS = {
    "no_suppressions": "the file suppressions/journal is missing",
    "other_suppressions": "the file suppressions/journal is not the one of this backup",
    "older_suppressions": "the file suppressions/journal is older than this backup",
    "damaged_suppressions": "lines of the file suppressions/journal cannot be read",
    "unknown_keys": "the folder keys is older than suppressions/journal: bring its newest copy",
    "not_finished": "the last restore did not finish: empty the database and restore again",
}


@click.command("restore")
@click.argument("file", required=False, type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "--journal",
    "other_journals",
    multiple=True,
    metavar="JOURNAL",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Replay suppressions/journal of another host too; may be given again.",
)
@click.option(
    "--nothing-sent-since",
    is_flag=True,
    help="Nothing was sent since the backup (the service was stopped): mark none as unknown.",
)
@click.option(
    "--sending-on",
    "resume",
    is_flag=True,
    help="Let invitations leave after a restore that does not know every opt-out.",
)
def restore_command(
    file: Path | None, other_journals: tuple[Path, ...], nothing_sent_since: bool, resume: bool
) -> None:
    """Make FILE the database of an empty data folder, with its keys in place.

    Opt-outs since the backup are read from the folder `suppressions`; where that is missing or not
    the right one, no invitation leaves until --sending-on.
    """
    if resume:
        if file is not None:
            raise click.UsageError("First restore, then check, then use --sending-on.")
        done = resume_sending()
        click.echo("Invitations leave again." if done else "No restore suspends sending.")
        return
    if file is None:
        raise click.UsageError("Name the FILE to restore.")
    with data_folder_lock.exclusive():
        restored = restore(
            file,
            clock.read(),
            other_journals=other_journals,
            nothing_sent_since=nothing_sent_since,
        )
    _report(restored)


def _report(restored: Restored) -> None:
    made = restored.manifest
    click.echo(f"Restored as of {made.at} (trustsvc {made.trustsvc}, {made.database}).")
    newest = f", the newest of {restored.newest:%Y-%m-%dT%H:%M:%SZ}" if restored.newest else ""
    click.echo(
        f"{restored.replayed} opt-outs and other requests since the backup were applied{newest}."
    )
    if restored.held:
        click.echo(
            f"{restored.held} e-mails may have left since the backup: they are unknown "
            "deliveries and are not sent again."
        )
    click.echo(f"{restored.badges} badge files were rendered.")
    if restored.suspended:
        click.echo(f"NO INVITATION LEAVES: {REASONS[restored.suspended]}.")
        click.echo("Some opt-outs may be missing here. When you have made sure that none is:")
        click.echo("trustsvc restore --sending-on")
