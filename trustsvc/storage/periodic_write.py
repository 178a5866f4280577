"""Do something every few seconds or minutes in a thread of a process."""

import os
import threading
from collections.abc import Callable
from multiprocessing.util import Finalize

_started: set[tuple[int, str]] = set()


def start(
    name: str, interval_s: float, write: Callable[[], object], failed: Callable[[str], object]
) -> None:
    """Write what a process counts, from a thread of its own, and once more when it ends.

    When it raises, `failed` gets the type of the exception, and the next time comes. A second
    start of the same name in a process raises RuntimeError.
    """
    guarded = _guarded(write, failed)
    _start(name, interval_s, guarded, at_once=False)
    # After the server log's own last lines (exitpriority 1), which may hold something to count.
    Finalize(None, guarded, exitpriority=0)


def repeat(
    name: str, interval_s: float, work: Callable[[], object], failed: Callable[[str], object]
) -> None:
    """Do work now and at each interval, from a thread of its own; nothing waits for it at the end.

    Otherwise as `start`.
    """
    _start(name, interval_s, _guarded(work, failed), at_once=True)


def _guarded(work: Callable[[], object], failed: Callable[[str], object]) -> Callable[[], None]:
    def work_or_report() -> None:
        try:
            work()
        except Exception as problem:  # noqa: BLE001 - or the thread would end
            failed(type(problem).__name__)

    return work_or_report


def _start(name: str, interval_s: float, work: Callable[[], None], *, at_once: bool) -> None:
    if (os.getpid(), name) in _started:
        raise RuntimeError(f"{name} was started twice")
    _started.add((os.getpid(), name))

    def run() -> None:
        pause = threading.Event()
        if at_once:
            work()
        while not pause.wait(interval_s):
            work()

    threading.Thread(target=run, name=name, daemon=True).start()
