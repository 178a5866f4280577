"""Our own log: one line a thing, in JSON, on standard error, with ids only.

Names, addresses, tokens and order numbers are never passed to it; see tests/test_log.py.
"""

import contextlib
import logging
import sys

import structlog
from structlog.typing import FilteringBoundLogger


def configure(level: int = logging.INFO) -> None:
    """Set the log up for this process; calling it twice changes nothing."""
    logging.basicConfig(level=logging.WARNING, handlers=[_Libraries()], force=True)
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(sort_keys=True),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        # Not cached: whoever turns standard error elsewhere (a test, a daemon) is followed.
        logger_factory=lambda *_: _Steady(sys.stderr),
        cache_logger_on_first_use=False,
    )


class _Steady(structlog.PrintLogger):
    """Loses a line that cannot be written (a full disk, a closed pipe), and nothing else."""

    def msg(self, message: str) -> None:
        with contextlib.suppress(OSError, ValueError):
            super().msg(message)

    log = debug = info = warn = warning = msg
    fatal = failure = err = error = critical = exception = msg


class _Libraries(logging.Handler):
    """Writes what libraries log as lines of ours, without the texts of exceptions."""

    def emit(self, record: logging.LogRecord) -> None:
        line = structlog.get_logger(room=record.name)
        problem = record.exc_info[1] if record.exc_info else None
        line.log(
            record.levelno, record.getMessage(), **(error_location(problem) if problem else {})
        )


def error_location(problem: BaseException) -> dict[str, str]:
    """Say what went wrong and where, without the exception's text: it may hold what came in."""
    trace = problem.__traceback__
    while trace and trace.tb_next:
        trace = trace.tb_next
    where = f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}" if trace else "?"
    return {"problem": type(problem).__name__, "where": where}


def get_logger(room: str) -> FilteringBoundLogger:
    """Give the logger of a room."""
    logger: FilteringBoundLogger = structlog.get_logger(room=room)
    return logger
