"""`trustsvc bounce < message`: a mail server pipes returned messages into it."""

import sys

import click

from trustsvc import clock, log
from trustsvc.mail.feedback import delivery_reports
from trustsvc.mail.feedback.parsers import mime
from trustsvc.mail.feedback.parsers.report import IgnoredReport
from trustsvc.mail.feedback.parsers.returned_message import read
from trustsvc.storage import db

EX_TEMPFAIL = 75  # sysexits.h: the mail server keeps the message and tries again
CHUNK_BYTES = 64 * 1024
MAX_BYTES = 256 * 1024 * 1024

logger = log.get_logger("bounce")


# Arguments that a mail server adds (most likely an address) are neither read nor printed.
@click.command(context_settings={"ignore_unknown_options": True, "allow_extra_args": True})
@click.pass_context
def bounce(context: click.Context) -> None:
    """Process one message from standard input: a bounce, a complaint, or anything else.

    Exits with 0 when it was processed or is no report (a mail server answers any other code with a
    bounce of the bounce), with 75 when the mail server shall try again. Prints nothing: mail
    servers send output to the author of the message.
    """
    report = read(_message())
    if isinstance(report, IgnoredReport):
        logger.info("bounce.ignored", reason=report.reason)
        return
    try:
        with db.transaction() as session:
            delivery_reports.accept(session, report, "mail", clock.now())
    except Exception as problem:  # noqa: BLE001 - the message must not be lost
        logger.error("bounce.failed", **log.error_location(problem))  # noqa: TRY400
        context.exit(EX_TEMPFAIL)


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
