"""What a WSGI server starts: `granian --interface wsgi trustsvc.wsgi:application`."""

from trustsvc import keys, log
from trustsvc.app import create_app

log.configure()
keys.make_all()
application = create_app()
