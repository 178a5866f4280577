"""The WSGI entry point: `granian --interface wsgi trustsvc.wsgi:application`."""

from trustsvc import log
from trustsvc.app import create_app
from trustsvc.crypto import keyring
from trustsvc.http.request_watchdog import RequestWatchdog
from trustsvc.orders.webhook_health import counters
from trustsvc.server_log import security_counters
from trustsvc.work_queue import runtime

log.configure()
runtime.die_with_parent()  # a worker that outlives its server would keep the port
keyring.make_all()
application = RequestWatchdog(create_app())
security_counters.start()
counters.start()
