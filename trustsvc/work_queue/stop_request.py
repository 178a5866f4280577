"""Whether this process was asked to stop; long loops look at it before each step.

A flag and no threading.Event: a signal handler that sets one may wait for a lock that the code it
interrupted holds.
"""

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

SIGNALS = (signal.SIGTERM, signal.SIGINT)
POLL_S = 0.1
SAME_REQUEST_S = 1.0  # a signal to a process and to its group arrives twice
_never = threading.Event()  # time.sleep fails under libfaketime, with which clocks are tested
_number = 0
_on_request: Callable[[], object] | None = None
_last_at = -SAME_REQUEST_S


@contextmanager
def listening(on_request: Callable[[], object] | None = None) -> Iterator[None]:
    """Take SIGTERM, SIGINT and SIGHUP as requests to stop; none ends the process meanwhile.

    `on_request` is called at each request, by the signal handler. A SIGHUP that is ignored (nohup)
    stays ignored.
    """
    global _number, _on_request
    _number, _on_request = 0, on_request
    hang_up = (signal.SIGHUP,) if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN else ()
    before = {n: signal.signal(n, lambda *_: note()) for n in (*SIGNALS, *hang_up)}
    try:
        yield
    finally:
        _number, _on_request = 0, None  # whoever runs next in this process was not asked
        for number, handler in before.items():
            signal.signal(number, handler)


def forget_callback() -> None:
    """Call no `on_request` in this process, a fork of the one that listens."""
    global _on_request  # noqa: PLW0603 - one process, one end
    _on_request = None


def note() -> None:
    """Write down a request; a signal handler may call this."""
    global _number, _last_at  # noqa: PLW0603 - one process, one end
    now = time.monotonic()
    if not _number or now - _last_at >= SAME_REQUEST_S:
        _number += 1
    _last_at = now
    if _on_request:
        _on_request()


def count() -> int:
    """Give how often it was asked to stop: who asks twice does not want to wait."""
    return _number


def is_made() -> bool:
    return _number > 0


def wait(seconds: float) -> bool:
    """Wait, but no longer than until it is asked to stop; gives whether it was."""
    until = time.monotonic() + seconds
    while not is_made() and (left := until - time.monotonic()) > 0:
        _never.wait(min(left, POLL_S))
    return is_made()
