"""Can a clock tell who is registered? Ask the registration page of a real service, and compare.

`python -m bench.oracle [NUMBER]` starts the service on a folder of its own, registers NUMBER
addresses (2,000), opts as many out, posts them all with as many unknown ones in a random order, and
prints how well the time of an answer tells one kind from the other: the AUC (the share of pairs in
which the known one took longer). 0.5 is a coin. Ends with 1 outside of 0.48 to 0.52, or when the
bytes differ; at 2,000 a coin falls outside once in forty.
"""

import http.client
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from urllib.parse import urlencode

from trustsvc import clock, config, db, fingerprints, keys, migrations
from trustsvc.registry import register
from trustsvc.registry.models import opt_outs
from trustsvc.registry.opt_out import EVERY_SHOP
from trustsvc.shops import enrol

LOW, HIGH = 0.48, 0.52
PORT = 8931
SLUG = "lamp"
# Names of one length, so that only the registry can make a difference.
REGISTERED, OPTED_OUT, UNKNOWN = "regis", "stops", "other"


def main() -> int:
    number = int(sys.argv[1]) if len(sys.argv) > 1 else 2_000
    with tempfile.TemporaryDirectory(prefix="trustsvc-oracle-") as place:
        environ = {k: v for k, v in os.environ.items() if not k.startswith("TRUSTSVC_")} | {
            "TRUSTSVC_DATA": place,
            "TRUSTSVC_PORT": str(PORT),
            "TRUSTSVC_TRUSTED_PROXIES": "127.0.0.1",  # each post comes from a network of its own
        }
        _fill(environ, number)
        command = [sys.executable, "-m", "trustsvc.cli", "up"]
        with subprocess.Popen(command, env=environ, stderr=subprocess.DEVNULL) as service:
            try:
                times, answers = _measure(number)
            finally:
                service.send_signal(signal.SIGTERM)
                service.wait(60)
    return _say(times, answers, number)


def _fill(environ: dict[str, str], number: int) -> None:
    config.use(config.load({k: v for k, v in environ.items() if k.startswith("TRUSTSVC_")}))
    keys.make_all()
    migrations.upgrade()
    now = clock.now()
    with db.transaction() as session:
        enrol.enrol(session, enrol.Enrolment(SLUG, "lamp.example", "standard"), now)
        for one in range(number):
            register.register(session, f"{REGISTERED}{one}@example.com", "v1", "page", now)
            # Not by the verb: it waits for the disk each time.
            mark = fingerprints.registry_mark(f"{OPTED_OUT}{one}@example.com")
            session.execute(
                opt_outs.insert().values(mark=mark, shop_id=EVERY_SHOP, at=now, reason="stop")
            )
    db.forget_engines()


def _measure(number: int) -> tuple[dict[str, list[float]], set[tuple[int, bytes]]]:
    kinds = (REGISTERED, OPTED_OUT, UNKNOWN)
    turns = [(kind, one) for kind in kinds for one in range(number)]
    random.shuffle(turns)
    _wait()
    line = http.client.HTTPConnection("127.0.0.1", PORT)
    times: dict[str, list[float]] = {kind: [] for kind in kinds}
    answers = set()
    for turn, (kind, one) in enumerate([("warm", n) for n in range(200)] + turns):
        body = urlencode({"email": f"{kind}{one}@example.com"})
        headers = {
            "Content-Type": "application/x-www-form-urlencoded",
            "X-Forwarded-For": f"10.{turn // 250 % 250}.{turn % 250}.1",
        }
        started = time.perf_counter()
        line.request("POST", f"/register/{SLUG}", body, headers)
        answer = line.getresponse()
        said = answer.read()
        took = time.perf_counter() - started
        if kind in times:
            times[kind].append(took)
            answers.add((answer.status, said))
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


def _say(times: dict[str, list[float]], answers: set[tuple[int, bytes]], number: int) -> int:
    print(f"answers of different bytes: {len(answers)} (promised: 1)")
    good = len(answers) == 1 and {status for status, _ in answers} == {200}
    for kind, said in ((REGISTERED, "registered"), (OPTED_OUT, "opted out")):
        share = auc(times[kind], times[UNKNOWN])
        good = good and LOW <= share <= HIGH
        middle = sorted(times[kind])[number // 2] * 1000
        print(f"{said} against unknown: AUC {share:.3f} (2 x {number}; median {middle:.1f} ms)")
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
