"""Write every few seconds what a process counts in memory, and once more when it ends."""

import threading
from collections.abc import Callable
from multiprocessing.util import Finalize


def start(
    name: str, interval_s: float, write: Callable[[], object], failed: Callable[[str], object]
) -> None:
    """Call `write` from a thread of its own from now on. Once a process.

    When it raises, `failed` gets the type of the exception, and the next time comes.
    """

    def write_or_report() -> None:
        try:
            write()
        except Exception as problem:  # noqa: BLE001 - or the thread would end
            failed(type(problem).__name__)

    def run() -> None:
        pause = threading.Event()
        while not pause.wait(interval_s):
            write_or_report()

    threading.Thread(target=run, name=name, daemon=True).start()
    # After the server log's own last lines (exitpriority 1), which may hold something to count.
    Finalize(None, write_or_report, exitpriority=0)
