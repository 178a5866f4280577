"""`make drill`: real processes, kill -9, FLUSHALL, a mail server that goes wrong; then it counts.

SHORT=1 is the form for CI; DATABASE=sqlite|postgresql|both, SEED=n, ORDERS, KILLS, FLUSHES and SPAN
(seconds of faults) are optional. On SQLite the Redis is the embedded one, on PostgreSQL one of its
own behind a proxy that goes wrong too. The same seed plans the same orders, kills and faults; which
of them meet is the machine's. Ends with 1 where a promise broke.
"""

import contextlib
import os
import random
import secrets
import signal
import sys
import tempfile
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

import redis

from tests import servers
from tools.drill import smtp_sink, verdict, witness
from tools.drill.proxy import Proxy
from tools.drill.service import Installation, Redis, environ_of
from tools.drill.shopper import Shopper
from trustsvc import config, migrations
from trustsvc.crypto import keyring
from trustsvc.storage import db
from trustsvc.work_queue import runtime

KILLED = ("worker", "mailer", "mailer", "serving", "web", "scheduler", "redis", "up")
LINES = ("drop", "delay", "reset", "half_close")
PATIENCE_S = 600
SIZES = {
    True: {"orders": 1000, "kills": 40, "flushes": 5, "span": 60, "slow": 2},
    False: {"orders": 10000, "kills": 200, "flushes": 20, "span": 480, "slow": 12},
}


class Weather:
    """What the mail server does next: each fault in turn, at most one for each recipient."""

    def __init__(self, dice, slow):
        self.dice, self.slow, self.on = dice, slow, False
        messages = (*smtp_sink.DEFERRED, *smtp_sink.DROPS, *smtp_sink.UNKNOWN, *smtp_sink.REFUSED)
        self.turns = {
            "connect": (0.25, list(smtp_sink.CONNECT)),
            "mail": (0.01, list(smtp_sink.MAIL)),
            "message": (0.06, [*messages, "slow_end_of_data"]),
        }
        self.places = dict.fromkeys(self.turns, 0)
        self.hit = set()

    def clear(self):
        self.on = False

    def __call__(self, stage, recipient):
        chance, names = self.turns[stage]
        if not self.on or self.dice.random() > chance or recipient in self.hit:
            return None
        name = names[self.places[stage] % len(names)]
        self.places[stage] += 1
        if name in smtp_sink.SLOW:
            self.slow -= 1
            if self.slow < 0:
                return None
        if recipient:
            self.hit.add(recipient)
        return name


def daytime_zone():
    """Name a zone where it is noon now, so that messages leave while the drill lasts."""
    ahead = (11 - datetime.now(UTC).hour + 12) % 24 - 12
    return f"Etc/GMT{-ahead:+d}" if ahead else "UTC"


@contextlib.contextmanager
def ground(database):
    """A folder, a database, and for PostgreSQL a Redis behind a proxy."""
    with contextlib.ExitStack() as stack:
        place = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="trustsvc-drill-")))
        more, own = {}, None
        if database == "postgresql":
            server = stack.enter_context(contextlib.contextmanager(servers.postgres)(place))
            more["TRUSTSVC_DATABASE_URL"], _ = servers.fresh_database(server)
            own = stack.enter_context(Redis(place))
            proxy = stack.enter_context(Proxy(str(own.socket)))
            more["TRUSTSVC_REDIS_URL"] = proxy.url
            yield place, more, own, proxy
        else:
            yield place, more, None, None


class Chaos:
    """Kills, floods and cuts, each at its second."""

    def __init__(self, installation, own_redis, proxy):
        self.installation, self.own, self.proxy = installation, own_redis, proxy
        self.flushes = self.cuts = 0

    def run(self, dice, size):
        span = size["span"]
        acts = [(span * (n + 0.5) / size["kills"], self.kill) for n in range(size["kills"])]
        acts += [(span * (n + 0.5) / size["flushes"], self.flush) for n in range(size["flushes"])]
        if self.proxy:
            acts += [(span * (n + 0.5) / 8 + 1, self.cut) for n in range(8)]
        started = time.monotonic()
        for at, act in sorted(acts, key=lambda one: one[0]):
            time.sleep(max(0.0, started + at - time.monotonic()))
            act(dice)  # late on a slow machine, but none is left out
        time.sleep(max(0.0, started + span - time.monotonic()))
        if self.proxy:
            self.proxy.turn("pass")

    def kill(self, dice):
        name = dice.choice(KILLED)
        for _ in range(2400):  # it may be dead still from the last time
            if name == "redis" and self.own:
                self.own.kill(dice.uniform(0, 1))
                self.installation.kills["redis"] = self.installation.kills.get("redis", 0) + 1
                return
            if self.installation.kill(name):
                return
            time.sleep(0.05)
            name = dice.choice(KILLED)

    def flush(self, _dice):
        path = self.own.socket if self.own else runtime.redis_socket()
        for _ in range(50):
            with contextlib.suppress(redis.RedisError):
                redis.Redis(unix_socket_path=str(path)).flushall()
                self.flushes += 1
                return
            time.sleep(0.1)

    def cut(self, dice):
        mode = dice.choice(LINES)
        self.proxy.turn(mode)
        self.cuts += 1
        threading.Timer(2.5, self.proxy.turn, ["pass"]).start()


def run(database, size, seed):
    dice = random.Random(f"{seed} {database}")
    weather = Weather(random.Random(f"{seed} weather"), size["slow"])
    sink = smtp_sink.Sink(choose=weather)
    with sink, ground(database) as (place, more, own, proxy):
        # Ten thousand orders of two new shops in some minutes, all of one domain, are no usual day.
        more |= {"TRUSTSVC_HOURLY_MOST": "1000000", "TRUSTSVC_MAIL_PACE": "0"}
        environ = environ_of(place, TRUSTSVC_MAIL_URL=f"{sink.url}?starttls=never", **more)
        config.use(config.load({k: v for k, v in environ.items() if k.startswith("TRUSTSVC_")}))
        keyring.make_all()
        migrations.upgrade()
        witness.begin()
        try:
            with Installation(environ, place) as installation:
                record = _drill(
                    installation, sink, weather, Chaos(installation, own, proxy), size, dice
                )
            record["left running"] = installation.end_the_rest()
        finally:
            db.dispose_engines()
            config.use(None)
            if os.environ.get("KEEP_LOG"):
                Path(os.environ["KEEP_LOG"]).write_text((place / "service.log").read_text())
    return record


def _drill(installation, sink, weather, chaos, size, dice):
    names = ["Blue Lamp", "Red Chair"]
    shops = [installation.enrol(name, daytime_zone()) | {"name": name} for name in names]
    shopper = Shopper(shops, dice)
    shopper.plan(size["orders"], size["span"] * 0.95)
    sink.on_message = shopper.on_message
    _until(installation.is_ready, 60)
    shopper.start()
    weather.on = True
    began = time.monotonic()
    # The mail server gets well sooner than the rest: a retry may wait two minutes by design.
    threading.Timer(max(size["span"] - 45, size["span"] / 2), weather.clear).start()
    chaos.run(random.Random(dice.random()), size)
    last_fault = time.monotonic()
    shopper.rest()

    def settled():
        return shopper.is_done() and witness.open_rows() == 0

    took = _until(settled, PATIENCE_S, witness_every=5)
    shopper.end()
    record = verdict.verdict(shopper, sink)
    record |= {
        "seconds of faults": round(last_fault - began),
        "seconds until settled": round(took, 1),
        "left unsettled": int(took >= PATIENCE_S),
        "kills": sum(installation.kills.values()),
        "kills by process": dict(sorted(installation.kills.items())),
        "FLUSHALL": chaos.flushes,
        "cut lines to Redis": chaos.cuts,
    }
    return record


def _until(condition, seconds, witness_every=None):
    started = shown = time.monotonic()
    while (spent := time.monotonic() - started) < seconds:
        with contextlib.suppress(Exception):
            if condition():
                return spent
        if witness_every and time.monotonic() - shown > witness_every:
            shown = time.monotonic()
            print(f"  … {spent:.0f} s, {dict(witness.message_states())}", flush=True)
        time.sleep(0.3)
    return seconds


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that nothing is left running
    short = os.environ.get("SHORT", "0") not in {"", "0"}
    size = dict(SIZES[short])
    for name in ("orders", "kills", "flushes", "span"):
        size[name] = int(os.environ.get(name.upper()) or size[name])
    seed = int(os.environ.get("SEED") or secrets.randbelow(10**6))
    chosen = os.environ.get("DATABASE") or "both"
    databases = ["sqlite", "postgresql"] if chosen == "both" else [chosen]
    folder = Path(os.environ.get("TRUSTSVC_DATA") or "data") / "drills"
    records = {}
    for database in databases:
        print(f"drill on {database}: {size}, SEED={seed}", flush=True)
        records[database] = verdict.judged(run(database, size, seed))
        verdict.keep(folder, database, seed, size, records[database])
    print(verdict.table(records, seed))
    return 0 if all(record["kept"] for record in records.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
