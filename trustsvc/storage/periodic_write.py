"""Write every few seconds what a process counts in memory, and once more when it ends."""

import threading
from collections.abc import Callable
from multiprocessing.util import Finalize


def start(name: str, interval_s: float, write: Callable[[], object]) -> None:
    """Call `write` from a thread of its own from now on; it must not raise. Once a process."""

    def run() -> None:
        pause = threading.Event()
        while not pause.wait(interval_s):
            write()

    threading.Thread(target=run, name=name, daemon=True).start()
    # After the server log's own last lines (exitpriority 1), which may hold something to count.
    Finalize(None, write, exitpriority=0)
