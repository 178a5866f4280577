"""How much CPU a piece of work may cost, on a machine of any speed.

CPU of the process and not time on a clock, against a loop that is measured in the same run: a slow
or a busy machine is allowed more, and what grows with the square of its input still fails.
"""

import sys
import time
import unicodedata

REQUEST_S = 0.05
TRIES = 3
# The machine that the 50 ms are meant for, by what the loop costs there: 39 to 46 ms at best, on a
# core of an AMD EPYC with CPython 3.11, 2026-11-28. So a request's limit is about one such loop.
LOOP_S = 0.045
TRACED = 3  # how much more a tracer (`make coverage`) costs code than the loop, at most


def of(work):
    """Give the CPU seconds that this work costs, threads of ours among it, and what it gives."""
    start = time.process_time()
    given = work()
    return time.process_time() - start, given


def slowness():
    """Say how much slower than that machine this one is now; never less than 1."""
    return max(1.0, of(_loop)[0] / LOOP_S)


def _loop():
    text = "".join(map(chr, range(0x20, 0x2000)))
    for _ in range(30):
        "".join(char for char in text if unicodedata.category(char)[0] != "C").casefold()


def require(what, work, plain_s=0.0, limit_s=REQUEST_S):
    """Do the work, and fail if each of three tries costs more than plain work and the limit.

    A machine that others use, too, changes its speed all the time: it is measured where it counts.
    """
    most = (plain_s + limit_s) * (TRACED if sys.gettrace() else 1)
    for _ in range(TRIES):
        seconds, given = of(work)
        if seconds <= most or seconds <= most * slowness():
            return given
    raise AssertionError(f"{what}: {seconds:.3f} s of CPU, and {most:.3f} s are allowed")
