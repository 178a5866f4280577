"""The yardsticks of `bench/ingest.py`: two small Flask apps on the server that the product uses.

`python -m bench.yardsticks PORT THREADS`; the second app needs REDIS_URL.
"""

import functools
import os
import sys

from flask import Flask, request
from granian import Granian
from granian.constants import Interfaces
from redis import Redis
from rq import Queue

QUEUE = "bench"

app = Flask(__name__)


@functools.cache
def _queue() -> Queue:
    return Queue(QUEUE, connection=Redis.from_url(os.environ["REDIS_URL"]))


@app.get("/hello")
def hello() -> str:
    return "hello"


@app.post("/enqueue")
def enqueue() -> tuple[str, int]:
    """Enqueue an order as a tutorial would: not verified, and lost with the machine."""
    _queue().enqueue(nothing, request.get_json())
    return "", 202


def nothing(_order: object) -> None:
    pass


def main() -> None:
    port, threads = map(int, sys.argv[1:])
    Granian(
        "bench.yardsticks:app",
        port=port,
        interface=Interfaces.WSGI,
        workers=1,
        blocking_threads=threads,
        websockets=False,
        log_enabled=False,
    ).serve()


if __name__ == "__main__":
    main()
