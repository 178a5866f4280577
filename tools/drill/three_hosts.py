"""`make drill-hosts`: three hosts, one cut off from the network and killed; then it counts.

Each host is a network namespace with its own data folder and web, worker, mailer and scheduler. One
PostgreSQL, one Redis and one mail server are on the bridge between them. Orders, changed minds and
privacy requests go to whichever host answers, as from a load balancer. In the middle the cable of
the third host is pulled while a transaction of it holds locks, and a moment later all its processes
are killed with -9; it never comes back. SHORT=1 is the form of the tests; ORDERS, SPAN and SEED are
optional.

Ends with 1 where a promise broke, and with 2 where a host did nothing: then the run says nothing.
"""

import contextlib
import os
import random
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from urllib.parse import urlsplit

import redis
import requests
from sqlalchemy import text

from tests import servers
from tools.drill import drill, networks, smtp_sink, verdict, witness
from tools.drill.service import ROOT, Installation, environ_of
from tools.drill.shopper import Shopper
from trustsvc import clock, config, migrations
from trustsvc.crypto import keyring
from trustsvc.doctor import readiness
from trustsvc.storage import db, suppression_entries, suppression_journal
from trustsvc.work_queue import embedded_redis

PROCESSES = ("web", "worker", "mailer", "scheduler")
PORT = "8000"
LONG = {"orders": 1000, "span": 120}
SHORT = {"orders": 120, "span": 25, "hurry": 1}
PASSED_OVER_S = 5.0  # a host that did not answer gets nothing for so long
KILLED_AFTER_S = 1.5
COPIED_WITHIN_S = 60
FREED_WITHIN_S = 60
# A transaction that never ends, and holds every order and message that there is.
HOLD = """
import time
from sqlalchemy import select
from trustsvc.mail.outbox.models import messages
from trustsvc.orders.models import orders
from trustsvc.storage import db
with db.transaction() as session:
    for table in (orders, messages):
        session.execute(select(table.c.id).order_by(table.c.id).with_for_update()).all()
    print("held", flush=True)
    time.sleep(600)
"""


class Host:
    """One machine: its own data folder, the keys of all, four processes."""

    def __init__(self, machine, place, environ):
        self.machine = machine
        self.place = place / f"host{machine.number}"
        self.place.mkdir()
        own = {"TRUSTSVC_DATA": str(self.place / "data"), "TRUSTSVC_BIND": machine.address}
        own |= {"TRUSTSVC_PORT": PORT, "SPT_NOENV": "1"}  # or a title hides the environment
        self.environ = environ | own
        self.processes = {}
        shutil.copytree(config.current().data / "keys", self.place / "data" / "keys")

    @property
    def base(self):
        return f"http://{self.machine.address}:{PORT}"

    def start(self):
        self._log = (self.place / "host.log").open("a")
        for name in PROCESSES:
            words = self.machine.command(sys.executable, "-m", "trustsvc", name)
            self.processes[name] = subprocess.Popen(
                words, env=self.environ, cwd=ROOT, stdout=self._log, stderr=self._log
            )

    def hold(self):
        """Have a transaction of this host hold locks; gives once it does."""
        words = self.machine.command(sys.executable, "-c", HOLD)
        held = subprocess.Popen(
            words, env=self.environ, cwd=ROOT, stdout=subprocess.PIPE, stderr=self._log
        )
        self.processes["holder"] = held
        assert held.stdout.readline() == b"held\n"

    def transactions(self):
        """Count what the database still keeps open for this host."""
        statement = text(
            "SELECT count(*) FROM pg_stat_activity WHERE client_addr = CAST(:at AS inet) "
            "AND state LIKE 'idle in transaction%'"
        )
        with db.reading() as session:
            return session.scalar(statement, {"at": self.machine.address})

    def kill(self):
        """Kill -9 all at once, the children too; gives how many processes there were."""
        pids = Installation(self.environ, self.place).left_behind()
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        for process in self.processes.values():
            process.wait(30)
        return len(pids)

    def end(self):
        """Ask all to stop; gives how many processes were left after that."""
        for process in self.processes.values():
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        for process in self.processes.values():
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(90)
        self._log.close()
        return Installation(self.environ, self.place).end_the_rest()

    def missing(self):
        """Count the entries of the database that this host's own file does not have."""
        file = suppression_journal.read(self.place / "data" / "suppressions" / "journal")
        with db.reading() as session:
            return len(set(suppression_entries.every(session)) - set(file.lines if file else ()))


class Balanced(Shopper):
    """Posts each request to a host that answered lately."""

    def __post_init__(self):
        super().__post_init__()
        self.bases, self.answered, self._passed_over = [], {}, {}

    def _say(self, url, body, headers):
        good = [b for b in self.bases if time.monotonic() > self._passed_over.get(b, 0)]
        base = random.choice(good or self.bases)
        answer = super()._say(f"{base}{urlsplit(url).path}", body, headers)
        if answer is None:
            self._passed_over[base] = time.monotonic() + PASSED_OVER_S
        elif answer.ok:
            self.answered[base] = self.answered.get(base, 0) + 1
        return answer


@contextlib.contextmanager
def centre(place):
    """PostgreSQL, a Redis and a mail server at the middle of the bridge."""
    hba = place / "pg_hba.conf"
    hba.write_text(f"local all all trust\nhost all all {networks.NET}.0/24 trust\n")
    place.chmod(0o755)  # PostgreSQL reads it as a user of its own
    hba.chmod(0o644)
    more = (f"listen_addresses={networks.CENTRE}", f"hba_file={hba}")
    password = secrets.token_hex(8)
    with contextlib.ExitStack() as stack:
        make = contextlib.contextmanager(servers.postgres)
        server = stack.enter_context(make(place, (*servers.SETTINGS, *more)))
        own_url, _ = servers.fresh_database(server)
        name = urlsplit(own_url).path.lstrip("/")
        stack.enter_context(_redis(place, password))
        sink = stack.enter_context(smtp_sink.Sink(host=networks.CENTRE))
        yield (
            sink,
            own_url,
            {
                "TRUSTSVC_DATABASE_URL": f"postgresql://trustsvc@{networks.CENTRE}/{name}",
                "TRUSTSVC_REDIS_URL": f"redis://:{password}@{networks.CENTRE}:6379",
                "TRUSTSVC_MAIL_URL": f"{sink.url}?starttls=never",
                "TRUSTSVC_HOURLY_MOST": "1000000",
                "TRUSTSVC_MAIL_PACE": "0",
                "TRUSTSVC_CONFIRMATIONS_HOURLY": "0",
                "TRUSTSVC_TRUSTED_PROXIES": f"{networks.NET}.0/24",
                "TRUSTSVC_MAILERS": "3",
                "TRUSTSVC_WEB_PROCESSES": "1",
            },
        )


@contextlib.contextmanager
def _redis(place, password):
    options = ("--port", "6379", "--bind", networks.CENTRE, "--requirepass", password)
    command = embedded_redis.command(place / "redis", place / "redis.sock")
    process = subprocess.Popen([*command, *options], stdout=subprocess.DEVNULL)
    link = redis.Redis(networks.CENTRE, 6379, password=password)
    try:
        drill.until(link.ping, 30)
        yield
    finally:
        process.terminate()
        process.wait(20)


def run(size, seed):
    dice = random.Random(f"{seed} hosts")
    with contextlib.ExitStack() as stack:
        place = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="trustsvc-hosts-")))
        sink, own_url, shared = stack.enter_context(centre(place))
        environ = environ_of(place, **shared)
        ours = environ | {"TRUSTSVC_DATABASE_URL": own_url}
        config.use(config.load({k: v for k, v in ours.items() if k.startswith("TRUSTSVC_")}))
        keyring.make_all()
        migrations.upgrade()
        readiness.record_keys()
        witness.begin()
        try:
            operator = Installation(ours, place)
            names = ["Blue Lamp", "Red Chair"]
            zone = drill.daytime_zone()
            shops = [operator.enrol(name, zone) | {"name": name} for name in names]
            machines = [stack.enter_context(networks.Machine(number)) for number in (1, 2, 3)]
            hosts = [Host(machine, place, environ) for machine in machines]
            try:
                return _drill(hosts, shops, sink, size, dice)
            finally:
                _keep_logs(hosts)
                for host in hosts:
                    host.end()
        finally:
            db.dispose_engines()
            config.use(None)


def _drill(hosts, shops, sink, size, dice):
    for host in hosts:
        host.start()
    for host in hosts:
        assert drill.until(lambda base=host.base: _is_ready(base), 120) < 120, host.base
    shopper = Balanced(shops, dice)
    shopper.bases = [host.base for host in hosts]
    shopper.plan(size["orders"], size["span"])
    sink.on_message = shopper.on_message
    shopper.start()
    *left, lost = hosts
    time.sleep(size["span"] / 2)
    before = dict(sink.clients)
    lost.hold()
    lost.machine.cut()
    time.sleep(KILLED_AFTER_S)
    killed_at = clock.now()
    number = lost.kill()
    cut_at = time.monotonic()
    held = lost.transactions()
    freed = drill.until(lambda: not lost.transactions(), FREED_WITHIN_S)

    def settled():
        if size.get("hurry"):
            witness.hurry(killed_at)
        if not shopper.is_posted() or witness.open_rows():
            return False
        shopper.rest()
        return shopper.is_done()

    waited = drill.until(settled, drill.PATIENCE_S, witness_every=5)
    shopper.end()
    settled_s = time.monotonic() - cut_at
    copied = drill.until(lambda: not any(host.missing() for host in left), COPIED_WITHIN_S)
    record = verdict.verdict(shopper, sink)
    return record | {
        "processes killed on the lost host": number,
        "transactions held by the lost host": held,
        "seconds until the database ended them": round(freed, 1),
        "transactions never ended": lost.transactions(),
        "seconds from the kill until settled": round(settled_s, 1),
        "seconds until the journals were whole": round(copied, 1),
        "entries in the journal": _entries(),
        "entries missing in the file of a host": sum(host.missing() for host in left),
        "entries missing in the file of the lost host": lost.missing(),
        "left unsettled": int(waited >= drill.PATIENCE_S),
        **{f"answered by host {h.machine.number}": shopper.answered.get(h.base, 0) for h in hosts},
        **{f"SMTP connections of host {h.machine.number}": _mails(sink, h) for h in hosts},
        "SMTP connections of the lost host before": before.get(lost.machine.address, 0),
    }


def _mails(sink, host):
    return sink.clients.get(host.machine.address, 0)


def _entries():
    with db.reading() as session:
        return sum(1 for _ in suppression_entries.every(session))


def _is_ready(base):
    return requests.get(f"{base}/readyz", timeout=3).ok


def _keep_logs(hosts):
    if kept := os.environ.get("KEEP_LOG"):
        logs = "".join((host.place / "host.log").read_text() for host in hosts)
        Path(kept).write_text(logs)


def judged(record):
    """Say which promises broke, and which hosts did nothing."""
    promised = verdict.PROMISED | {
        "entries missing in the file of a host": 0,
        "transactions never ended": 0,
    }
    broken = [name for name, most in promised.items() if record.get(name, 0) > most]
    worked = (
        "answered by host",
        "SMTP connections of host",
        "processes killed",
        "transactions held",
    )
    idle = [name for name, figure in record.items() if name.startswith(worked) and not figure]
    return broken, idle


def main():
    networks.enter("tools.drill.three_hosts")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    size = dict(SHORT if os.environ.get("SHORT", "0") not in {"", "0"} else LONG)
    for name in ("orders", "span"):
        size[name] = int(os.environ.get(name.upper()) or size[name])
    seed = int(os.environ.get("SEED") or secrets.randbelow(10**6))
    print(f"drill on three hosts: {size}, SEED={seed}", flush=True)
    record = run(size, seed)
    print(verdict.table({"three hosts": record}, seed))
    broken, idle = judged(record)
    for name in broken:
        print(f"A promise broke: {name}.")
    for name in idle:
        print(f"The run is invalid: 0 {name}.")
    return 1 if broken else 2 if idle else 0


if __name__ == "__main__":
    sys.exit(main())
