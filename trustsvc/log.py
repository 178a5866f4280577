"""The application's log: one JSON line an event on standard error, with ids only.

An event is a code, `<package>.<what_happened>`. Names, addresses, tokens and order numbers are
never passed to it; see tests/test_log.py.
"""

import contextlib
import logging
import sys

import structlog
from structlog.typing import FilteringBoundLogger


def configure(level: int = logging.INFO) -> None:
    """Set the log up for this process; calling it twice changes nothing."""
    logging.basicConfig(level=logging.WARNING, handlers=[_LibraryHandler()], force=True)
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(sort_keys=True),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        # Not cached: a test or a daemon may replace standard error later.
        logger_factory=lambda *_: _SafeLogger(sys.stderr),
        cache_logger_on_first_use=False,
    )


class _SafeLogger(structlog.PrintLogger):
    """Drops a line that cannot be written (a full disk, a closed pipe) and raises nothing."""

    def msg(self, message: str) -> None:
        with contextlib.suppress(OSError, ValueError):
            super().msg(message)

    log = debug = info = warn = warning = msg
    fatal = failure = err = error = critical = exception = msg


class _LibraryHandler(logging.Handler):
    """Writes what libraries log in the same format, without the texts of exceptions."""

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        location = error_location(error) if error else {}
        get_logger(record.name).log(record.levelno, record.getMessage(), **location)


def error_location(error: BaseException) -> dict[str, str]:
    """Give an exception's type and place, never its text: that may hold personal data."""
    trace = error.__traceback__
    while trace and trace.tb_next:
        trace = trace.tb_next
    where = f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}" if trace else "?"
    return {"error": type(error).__name__, "where": where}


def get_logger(package: str) -> FilteringBoundLogger:
    logger: FilteringBoundLogger = structlog.get_logger(package=package)
    return logger
