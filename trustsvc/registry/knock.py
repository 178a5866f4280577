"""Let one network knock so often at a door that takes anybody's address."""

from flask import request

from trustsvc import clock, config
from trustsvc.errors import TooMany
from trustsvc.flood import Gate
from trustsvc.server_log import address


def keep_pace(gate: Gate) -> None:
    """Count this request for its network, whatever it asks; raises TooMany."""
    trusted = config.current().trusted_proxies
    forwarded_for = request.headers.get("X-Forwarded-For", "")
    if not gate.lets_in(
        address.client(request.remote_addr or "", forwarded_for, trusted), clock.now()
    ):
        raise TooMany
