"""The WSGI entry point: `granian --interface wsgi trustsvc.wsgi:application`."""

import multiprocessing

from trustsvc import log, preloaded
from trustsvc.app import create_app
from trustsvc.badge import refresh
from trustsvc.crypto import keyring
from trustsvc.http.request_watchdog import RequestWatchdog
from trustsvc.orders.webhook_health import counters
from trustsvc.privacy.retention import purge_log_files
from trustsvc.server_log import security_counters
from trustsvc.storage import key_checks, suppression_copy
from trustsvc.work_queue import runtime

log.configure()
preloaded.load()
_server = multiprocessing.parent_process()
# A worker that outlives its server would keep the port.
runtime.die_with_parent(_server.pid if _server else None)
keyring.ask_before_first(key_checks.require_first)
keyring.make_all()
application = RequestWatchdog(create_app())
security_counters.start()
counters.start()
# Jobs do the same, but a worker may run on another host than this log and these files lie on.
purge_log_files.start()
refresh.start()
suppression_copy.start()
