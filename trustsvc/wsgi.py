"""What a WSGI server starts: `granian --interface wsgi trustsvc.wsgi:application`."""

import multiprocessing
import signal

from trustsvc import keys, log, runtime
from trustsvc.app import create_app

if multiprocessing.parent_process():  # granian's child; it would go on serving without granian
    runtime.die_with_parent(signal.SIGKILL)
log.configure()
keys.make_all()
application = create_app()
