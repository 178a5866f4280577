"""`trustsvc bounce`: messages that came back, one through a pipe or many from a maildir."""

import sys
from pathlib import Path

import click

from trustsvc.cli import data_folder_lock
from trustsvc.mail.feedback.maildir_reader import MaildirReader, log_failure, take_in
from trustsvc.mail.feedback.parsers import mime
from trustsvc.work_queue import stop_request

EX_TEMPFAIL = 75  # sysexits.h: the mail server keeps the message and tries again
CHUNK_BYTES = 64 * 1024
MAX_BYTES = 256 * 1024 * 1024
WATCH_S = 5.0


# Arguments that a mail server adds (most likely an address) are neither read nor printed.
@click.command(context_settings={"ignore_unknown_options": True, "allow_extra_args": True})
@click.option(
    "--maildir",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Process and delete all messages in this maildir instead.",
)
@click.option("--watch", is_flag=True, help="Go on, and look into the maildir every five seconds.")
@click.pass_context
def bounce(context: click.Context, maildir: Path | None, watch: bool) -> None:
    """Process one message from standard input: a bounce, a complaint, or anything else.

    Exits with 0 when it was processed or is no report: any other code makes the mail server bounce
    the bounce. Exits with 75 when the mail server shall try again. Prints nothing: mail servers
    send output to the author of the message.

    With --maildir one process reads many: a message that could not be processed stays there, and
    a file that cannot be read is skipped. The last line says how many were.
    """
    if maildir is None:
        if not _process(_message()):
            context.exit(EX_TEMPFAIL)
        return
    reader = MaildirReader(maildir)
    with data_folder_lock.shared(), stop_request.listening():
        outcome = reader.process_all()
        while watch and not stop_request.wait(WATCH_S):
            outcome = reader.process_all()
    if outcome.skipped:
        codes = ", ".join(f"{code}: {number}" for code, number in sorted(outcome.skipped.items()))
        click.echo(f"Skipped {outcome.skipped.total()} files, which stay there ({codes}).")
    if not watch and not outcome.is_complete:
        context.exit(EX_TEMPFAIL)


def _process(message: bytes) -> bool:
    """Take in one message; False when it is to be tried again."""
    try:
        take_in(message)
    except Exception as problem:  # noqa: BLE001 - the message must not be lost
        log_failure(problem)
        return False
    return True


def _message() -> bytes:
    """Read the beginning and discard the rest: the mail server must not find its pipe closed."""
    if sys.stdin is None:  # closed by the calling process
        return b""
    source = sys.stdin.buffer
    message = source.read(mime.MOST_BYTES)
    for _ in range(MAX_BYTES // CHUNK_BYTES):
        if not source.read(CHUNK_BYTES):
            break
    return message
