"""Read the raw bytes of a signed webhook, with a limit."""

import time

from flask import request
from werkzeug.exceptions import RequestEntityTooLarge

from trustsvc.errors import TooLarge

MAX_BODY_BYTES = 256 * 1024
DRAIN_MAX_BYTES = 64 * 1024 * 1024
DRAIN_TIMEOUT_S = 5.0
CHUNK_BYTES = 64 * 1024


def raw_body() -> bytes:
    """Read the request body; raises TooLarge above the limit, with or without Content-Length.

    One byte more than the limit is read, because a body without a length is cut off at the limit.
    The rest of a body that is too large is read and dropped, within bounds: a client that is still
    sending when the connection closes never sees the answer.
    """
    request.max_content_length = MAX_BODY_BYTES + 1
    try:
        body = request.get_data(cache=False)
    except RequestEntityTooLarge:
        body = b" " * (MAX_BODY_BYTES + 1)
    if len(body) > MAX_BODY_BYTES:
        _drain()
        raise TooLarge
    return body


def _drain() -> None:
    if not request.environ.get("wsgi.input_terminated"):
        return
    end = time.monotonic() + DRAIN_TIMEOUT_S
    for _ in range(DRAIN_MAX_BYTES // CHUNK_BYTES):
        if not request.environ["wsgi.input"].read(CHUNK_BYTES) or time.monotonic() > end:
            return
