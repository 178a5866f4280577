"""What functions import when they need it, so that a command starts without it."""

import importlib

_MODULES = (
    "babel.dates",
    "babel.numbers",
    "babel.plural",
    "rq.serializers",
    "trustsvc.http.pinned_connection",
    "trustsvc.mail.dkim",
    "trustsvc.work_queue.redis_link",
)


def load() -> None:
    """Import it now: before the first request, and before `up` forks, which shares it."""
    for name in _MODULES:
        importlib.import_module(name)
