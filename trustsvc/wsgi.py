"""What a WSGI server starts: `granian --interface wsgi trustsvc.wsgi:application`."""

from trustsvc import keys, log, runtime
from trustsvc.app import create_app
from trustsvc.server_log import security

log.configure()
runtime.die_with_parent()  # a server's worker must not outlive it: it would keep the port
keys.make_all()
application = create_app()
security.start()
