"""Can a clock tell who is known? Ask the pages of a real service that take an address; compare.

`python -m tools.oracle [NUMBER [PAGE …]]` starts the service on a folder of its own for each page
(register, me, object), registers NUMBER addresses (2,000), opts as many out, takes an order of as
many, posts them all with as many unknown ones in a random order, and prints how well the time of an
answer tells one kind from the other: the AUC (the share of pairs in which the known one took
longer). 0.5 is a coin. Ends with 1 outside of 0.48 to 0.52, or when the bytes differ; at 2,000 each
figure of a coin falls outside once in forty.
"""

import http.client
import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import datetime
from urllib.parse import urlencode

from trustsvc import clock, config, migrations
from trustsvc.crypto import keyring, pseudonyms
from trustsvc.orders import accept
from trustsvc.orders.received import OrderReceived
from trustsvc.registry import registration
from trustsvc.registry.models import opt_outs
from trustsvc.shops import directory, enrol
from trustsvc.storage import db
from trustsvc.storage.columns import EVERY_SHOP

LOW, HIGH = 0.48, 0.52
PORT = 8931
SLUG = "lamp"
# Names of one length, so that only the registry can make a difference.
REGISTERED, OPTED_OUT, BUYER, UNKNOWN = "regis", "stops", "buyer", "other"
KNOWN = {REGISTERED: "registered", OPTED_OUT: "opted out", BUYER: "has an order"}
PAGES = {"register": f"/register/{SLUG}", "me": "/me", "object": f"/object/{SLUG}"}


def main() -> int:
    number = int(sys.argv[1]) if len(sys.argv) > 1 else 2_000
    done = [_run(name, number) for name in sys.argv[2:] or PAGES]
    return max(done)


def _run(name: str, number: int) -> int:
    with tempfile.TemporaryDirectory(prefix="trustsvc-oracle-") as place:
        environ = {k: v for k, v in os.environ.items() if not k.startswith("TRUSTSVC_")} | {
            "TRUSTSVC_DATA": place,
            "TRUSTSVC_PORT": str(PORT),
            "TRUSTSVC_TRUSTED_PROXIES": "127.0.0.1",  # each post comes from a network of its own
        }
        _fill(environ, number)
        command = [sys.executable, "-m", "trustsvc", "up"]
        with subprocess.Popen(command, env=environ, stderr=subprocess.DEVNULL) as service:
            try:
                times, answers = _measure(PAGES[name], number)
            finally:
                service.send_signal(signal.SIGTERM)
                service.wait(60)
    print(f"{PAGES[name]}: {number} of each kind")
    return _say(times, answers)


def _fill(environ: dict[str, str], number: int) -> None:
    config.use(config.load({k: v for k, v in environ.items() if k.startswith("TRUSTSVC_")}))
    keyring.make_all()
    migrations.upgrade()
    now = clock.now()
    with db.transaction() as session:
        enrol.enrol(session, enrol.Enrolment(SLUG, "lamp.example", "standard"), now)
        shop = directory.by_slug(session, SLUG)
        for one in range(number):
            registration.register(session, f"{REGISTERED}{one}@mail.example", "v1", "page", now)
            # Not by the command: it waits for the disk each time.
            out = f"{OPTED_OUT}{one}@mail.example"
            places = {EVERY_SHOP: pseudonyms.registry_pseudonym(out)}
            places[shop.id] = pseudonyms.shop_pseudonym(shop.id, out)
            rows = [
                {"pseudonym": pseudonym, "shop_id": at, "at": now, "reason": "stop"}
                for at, pseudonym in places.items()
            ]
            session.execute(opt_outs.insert(), rows)
        orders = [_order(one, now) for one in range(number)]
        batch = [accept.incoming_order(shop, order, order.identity.encode()) for order in orders]
        accept.accept(session, batch, now)
    db.dispose_engines()


def _order(one: int, now: datetime) -> OrderReceived:
    return OrderReceived(
        identity=f"order-{one}",
        created_at=now,
        reference=f"#{one}",
        email=f"{BUYER}{one}@mail.example",
        name="Jan Jansen",
        locale="nl-NL",
        webhook_delivery_id=f"delivery-{one}",
    )


def _measure(page: str, number: int) -> tuple[dict[str, list[float]], set[tuple[int, bytes]]]:
    kinds = (*KNOWN, UNKNOWN)
    turns = [(kind, one) for kind in kinds for one in range(number)]
    random.shuffle(turns)
    _wait()
    line = http.client.HTTPConnection("127.0.0.1", PORT)
    times: dict[str, list[float]] = {kind: [] for kind in kinds}
    answers = set()
    for turn, (kind, one) in enumerate([("warm", n) for n in range(200)] + turns):
        body = urlencode({"email": f"{kind}{one}@mail.example"})
        headers = {
            "Content-Type": "application/x-www-form-urlencoded",
            "X-Forwarded-For": f"10.{turn // 250 % 250}.{turn % 250}.1",
        }
        started = time.perf_counter()
        line.request("POST", page, body, headers)
        answer = line.getresponse()
        body = answer.read()
        took = time.perf_counter() - started
        if kind in times:
            times[kind].append(took)
            answers.add((answer.status, body))
    return times, answers


def _wait() -> None:
    for _ in range(600):
        line = http.client.HTTPConnection("127.0.0.1", PORT, timeout=2)
        try:
            line.request("GET", "/readyz")
            if line.getresponse().status == 200:
                return
        except OSError:
            pass
        time.sleep(0.1)
    raise TimeoutError("the service did not start")


def _say(times: dict[str, list[float]], answers: set[tuple[int, bytes]]) -> int:
    print(f"  answers of different bytes: {len(answers)} (promised: 1)")
    good = len(answers) == 1 and {status for status, _ in answers} == {200}
    for kind, title in KNOWN.items():
        share = auc(times[kind], times[UNKNOWN])
        good = good and LOW <= share <= HIGH
        middle = statistics.median(times[kind]) * 1000
        print(f"  {title} against unknown: AUC {share:.3f} (median {middle:.1f} ms)", flush=True)
    return 0 if good else 1


def auc(these: list[float], those: list[float]) -> float:
    """Give the share of pairs in which one of these is longer (Mann and Whitney); ties are half."""
    ranked = sorted([(t, 1) for t in these] + [(t, 0) for t in those])
    ranks, place = 0.0, 0
    while place < len(ranked):
        end = place
        while end < len(ranked) and ranked[end][0] == ranked[place][0]:
            end += 1
        middle = (place + end + 1) / 2
        ranks += middle * sum(mine for _, mine in ranked[place:end])
        place = end
    return (ranks - len(these) * (len(these) + 1) / 2) / (len(these) * len(those))


if __name__ == "__main__":
    sys.exit(main())
