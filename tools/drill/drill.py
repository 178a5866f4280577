"""`make drill`: real processes, kill -9, FLUSHALL, a mail server that goes wrong; then it counts.

SHORT=1 is the form for CI; DATABASE=sqlite|postgresql|both, SEED=n, ORDERS, KILLS, FLUSHES and SPAN
(seconds of faults) are optional. Before the faults a fixed amount of the same work is timed. On
SQLite the Redis is the embedded one, on PostgreSQL one of its own behind a proxy that goes wrong
too. The same seed plans the same orders, kills and faults; which of them meet is the machine's.
Ends with 1 where a promise broke, and with 2 where there were too few faults of a kind for the run
to say anything (sizes.py).
"""

import contextlib
import os
import random
import secrets
import signal
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from tests import servers
from tools.drill import sizes, smtp_sink, verdict, witness
from tools.drill.chaos import Chaos, Weather
from tools.drill.proxy import Proxy
from tools.drill.service import Installation, Redis, environ_of
from tools.drill.shopper import Shopper
from trustsvc import config, migrations
from trustsvc.crypto import keyring
from trustsvc.storage import db

PATIENCE_S = 600


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


def run(database, size, seed):
    dice = random.Random(f"{seed} {database}")
    weather = Weather(size["slow"], sizes.smtp_faults(size))
    began = time.monotonic()
    sink = smtp_sink.Sink(choose=weather)
    with sink, ground(database) as (place, more, own, proxy):
        # Ten thousand orders of two new shops in some minutes, all of one domain, are no usual day.
        more |= {"TRUSTSVC_HOURLY_MOST": "1000000", "TRUSTSVC_MAIL_PACE": "0"}
        more["TRUSTSVC_CONFIRMATIONS_HOURLY"] = "0"  # 400 people ask within minutes
        more["TRUSTSVC_TRUSTED_PROXIES"] = "127.0.0.1"  # so that each buyer has a network
        more["TRUSTSVC_MAILERS"] = str(size["mailers"])
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
            record["seconds in all"] = round(time.monotonic() - began)
        finally:
            db.dispose_engines()
            config.use(None)
            if os.environ.get("KEEP_LOG"):
                Path(os.environ["KEEP_LOG"]).write_text((place / "service.log").read_text())
    return record


def _drill(installation, sink, weather, chaos, size, dice):
    names = ["Blue Lamp", "Red Chair"]
    shops = [installation.enrol(name, daytime_zone()) | {"name": name} for name in names]
    until(installation.is_ready, 120)
    calibration = _calibrate(shops, dice, size)
    # A machine on which the work alone takes longer is given twice that.
    patience = max(PATIENCE_S, 2 * calibration * size["orders"] / size["calibration"])
    shopper = Shopper(shops, dice)
    shopper.plan(size["orders"], size["span"] * 0.95)
    sink.on_message = shopper.on_message
    shopper.start()
    began = time.monotonic()
    # The mail server gets well sooner than the rest: a retry may wait two minutes by design.
    weather.begin(max(size["span"] - 45, size["span"] * 0.6))
    chaos.run(random.Random(dice.random()), size)
    chaos_ended = time.monotonic()

    def settled():
        if size.get("hurry"):
            witness.hurry(chaos.mailer_killed_at)
        if not shopper.is_posted() or witness.open_rows():
            return False
        shopper.rest()
        return shopper.is_done()

    waited = until(settled, patience, witness_every=5)
    shopper.end()
    last_fault = max(chaos_ended, weather.last_at)
    took = max(0.0, chaos_ended + waited - last_fault)
    record = verdict.verdict(shopper, sink)
    return record | {
        "seconds of calibration": round(calibration, 1),
        "seconds of faults": round(last_fault - began, 1),
        "seconds until settled": round(took, 1),
        "settled, in calibrations": round(took / calibration, 1),
        "left unsettled": int(waited >= patience),
        **verdict.faults(installation.kills, chaos, weather),
        **verdict.unknown_of_killed_mailers(
            installation.kills, size["mailers"], config.current().smtp_connections
        ),
    }


def _calibrate(shops, dice, size):
    """Give the seconds that a fixed amount of the same work takes here without a fault."""
    shopper = Shopper(shops, dice, prefix="C")
    shopper.plan_plain(size["calibration"])
    began = time.monotonic()
    shopper.start()
    until(lambda: shopper.is_done() and witness.open_rows() == 0, PATIENCE_S)
    shopper.end()
    return time.monotonic() - began


def until(condition, seconds, witness_every=None):
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
    size = sizes.chosen()
    seed = int(os.environ.get("SEED") or secrets.randbelow(10**6))
    chosen = os.environ.get("DATABASE") or "both"
    databases = ["sqlite", "postgresql"] if chosen == "both" else [chosen]
    folder = Path(os.environ.get("TRUSTSVC_DATA") or "data") / "drills"
    records = {}
    for database in databases:
        print(f"drill on {database}: {size}, SEED={seed}", flush=True)
        least = sizes.minimums(size, database)
        records[database] = verdict.judged(run(database, size, seed), least)
        print(f"written: {verdict.keep(folder, database, seed, size, records[database])}")
    print(verdict.table(records, seed))
    for database, record in records.items():
        for sentence in record["short"]:
            print(f"The run on {database} is invalid: {sentence}.")
    if any(record["broken"] for record in records.values()):
        return 1
    return 2 if any(record["short"] for record in records.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
