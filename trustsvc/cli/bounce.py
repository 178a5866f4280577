"""`trustsvc bounce < message`: the end of a mail server's pipe for what comes back."""

import sys

import click

from trustsvc import clock, log
from trustsvc.mail.feedback import delivery_reports as came_back
from trustsvc.mail.feedback.parsers import mime
from trustsvc.mail.feedback.parsers.report import Ignored
from trustsvc.mail.feedback.parsers.returned_message import read
from trustsvc.storage import db

TRY_AGAIN = 75  # EX_TEMPFAIL of sysexits.h: the mail server keeps the message and tries again
PIECE = 64 * 1024
MOST_READ = 256 * 1024 * 1024

logger = log.get_logger("bounce")


# What a mail server adds (an address, most likely) is neither looked at nor said again.
@click.command(context_settings={"ignore_unknown_options": True, "allow_extra_args": True})
@click.pass_context
def bounce(context: click.Context) -> None:
    """Take in one message from standard input: a bounce, a complaint, or anything else.

    Ends with 0 when it was taken in or is nothing for us (a mail server would answer anything else
    with a bounce of the bounce), with 75 when the mail server shall try again. Says nothing on
    standard output: mail servers send that to whoever wrote.
    """
    report = read(_message())
    if isinstance(report, Ignored):
        logger.info("a message that is no report", reason=report.reason)
        return
    try:
        with db.transaction() as session:
            came_back.take(session, report, "mail", clock.now())
    except Exception as problem:  # noqa: BLE001 - whatever it is, the message must not be lost
        logger.error("a report could not be taken in", **log.error_location(problem))  # noqa: TRY400
        context.exit(TRY_AGAIN)


def _message() -> bytes:
    """Read what counts, and the rest past: a mail server must not find its pipe closed."""
    if sys.stdin is None:  # closed by whoever started us
        return b""
    source = sys.stdin.buffer
    message = source.read(mime.MOST_BYTES)
    for _ in range(MOST_READ // PIECE):
        if not source.read(PIECE):
            break
    return message
