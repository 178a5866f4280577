"""The address that a request came from, behind trusted proxies."""

from flask import request

from trustsvc import config
from trustsvc.server_log import client_address


def address() -> str:
    trusted = config.current().trusted_proxies
    forwarded_for = request.headers.get("X-Forwarded-For", "")
    return client_address.client_address(request.remote_addr or "", forwarded_for, trusted)
