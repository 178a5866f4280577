"""Process 1 of a container: it runs the command as its child, and does what an init does.

Linux gives process 1 no default action for a signal, so it ignores SIGTERM wherever no handler is
installed. It also becomes the parent of every orphan of the container, which nobody else waits for.
"""

import os
import signal

FORWARDED = (
    signal.SIGTERM,
    signal.SIGINT,
    signal.SIGHUP,
    signal.SIGQUIT,
    signal.SIGUSR1,
    signal.SIGUSR2,
)


def leave_process_one() -> None:
    """Return in a child when this is process 1; elsewhere return at once.

    Process 1 forwards signals to the child, waits for orphans, and ends with the child's exit code.
    To be called before anything is imported: process 1 stays as small as it is now.
    """
    if os.getpid() != 1:
        return
    signal.pthread_sigmask(signal.SIG_BLOCK, FORWARDED)
    child = os.fork()
    if child:
        _serve(child)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, FORWARDED)


def _serve(child: int) -> None:
    def forward(number: int, _frame: object) -> None:
        if number == signal.SIGINT and os.isatty(0):
            return  # the terminal sent it to the child as well
        os.kill(child, number)

    for number in FORWARDED:
        signal.signal(number, forward)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, FORWARDED)
    while True:
        pid, status = os.wait()
        if pid == child:
            code = os.waitstatus_to_exitcode(status)
            os._exit(code if code >= 0 else 128 - code)
