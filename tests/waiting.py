"""Wait for something that other processes do."""

import time

# Ends a wait for what never comes, with a sentence and before pytest's own limit does. No test
# counts on it: what is waited for takes a hundredth on a machine that is free.
PATIENCE_S = 500


def until(condition, log=None):
    """Give the first true answer of a condition; with `log` a failure shows how that file ends."""
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        if found := condition():
            return found
        time.sleep(0.1)
    ending = f"; the log ends: {log.read_text()[-2000:]}" if log else ""
    raise AssertionError(f"not within {PATIENCE_S} s{ending}")
