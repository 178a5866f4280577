"""The WSGI entry point: `granian --interface wsgi trustsvc.wsgi:application`."""

import multiprocessing

from trustsvc import log, preloaded
from trustsvc.app import create_app
from trustsvc.crypto import keyring
from trustsvc.http.request_watchdog import RequestWatchdog
from trustsvc.orders.webhook_health import counters
from trustsvc.server_log import security_counters
from trustsvc.work_queue import runtime

log.configure()
preloaded.load()
_server = multiprocessing.parent_process()
# A worker that outlives its server would keep the port.
runtime.die_with_parent(_server.pid if _server else None)
keyring.make_all()
application = RequestWatchdog(create_app())
security_counters.start()
counters.start()
