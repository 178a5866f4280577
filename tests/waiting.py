"""Wait for something that other processes do."""

import time


def until(condition, seconds=60, log=None):
    """Give the first true answer of a condition; with `log` a failure shows how that file ends."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := condition():
            return found
        time.sleep(0.1)
    ending = f"; the log ends: {log.read_text()[-2000:]}" if log else ""
    raise AssertionError(f"not within {seconds} s{ending}")
