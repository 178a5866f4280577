"""The shops and their buyers: orders, changed minds, privacy requests, posted until answered."""

import contextlib
import heapq
import itertools
import json
import threading
import time
from dataclasses import dataclass, field

import requests

from tests.signing import signed_request
from trustsvc import clock
from trustsvc.registry.opt_out import opt_out
from trustsvc.storage import db
from trustsvc.storage.columns import EVERY_SHOP

# Of a hundred orders: the rest is plain. A "first" has a "second" of the same buyer at the other
# shop, posted at the moment the buyer stops everything by the link in the first one's message.
# "sees" asks by the page for a link to the buyer's data. "form" objects by the page: few, because
# many raise an alarm and wait for staff.
KINDS = {
    "cancelled": 10,
    "refunded": 4,
    "first": 8,
    "second": 8,
    "objects": 8,
    "sees": 4,
    "form": 1,
}
MOST = {"form": 20}
THREADS = 6
TWICE = 0.1


@dataclass
class Order:
    number: int
    kind: str
    shop: int
    email: str
    reference: str
    acknowledged: bool = False
    request_acknowledged: bool = False
    requests_posted: int = 0  # each may have been stored, also where no answer came


@dataclass
class Shopper:
    """Does what is planned, each at its second, and again until it was answered."""

    shops: list  # what `shop add --json` printed, and the shop's name
    dice: object
    prefix: str = "D"
    orders: list = field(default_factory=list)
    stopped: dict = field(default_factory=dict)  # address: when the stop was answered
    problems: list = field(default_factory=list)
    tries: int = 0

    def __post_init__(self):
        self._todo = []
        self._count = itertools.count()
        self._busy = 0
        self._lock = threading.Condition()
        self._ended = False
        self._firsts = {}

    def plan(self, how_many, span_s):
        """Plan so many orders over so many seconds."""
        kinds = []
        for kind, share in KINDS.items():
            kinds += [kind] * min(how_many * share // 100, MOST.get(kind, how_many))
        seconds = [kind for kind in kinds if kind == "second"]
        others = [kind for kind in kinds if kind != "second"]
        others += ["plain"] * (how_many - len(kinds))
        self.dice.shuffle(others)
        for number, kind in enumerate(others):
            email = f"buyer{number}@post.example"
            shop = self.dice.randrange(2)
            order = self._order(number, kind, shop, email)
            self.orders.append(order)
            self._plan_events(order, span_s * number / len(others))
            if kind == "first":
                after = len(others) + len(self._firsts)
                second = self._order(after, "second", 1 - shop, email)
                self.orders.append(second)
                self._firsts[email, self.shops[shop]["name"]] = second
        assert len(self.orders) == how_many == len(others) + len(seconds)

    def plan_plain(self, how_many):
        """Plan so many orders that end in a message each, at once."""
        for number in range(how_many):
            email = f"{self.prefix.lower()}{number}@post.example"
            self.orders.append(self._order(number, "plain", number % 2, email))
            self._plan_events(self.orders[-1], 0)

    def _order(self, number, kind, shop, email):
        return Order(number, kind, shop, email, f"{self.prefix}-{number}")

    def _plan_events(self, order, at):
        self._later(at, lambda: self._post(order, "created"))
        if order.kind in {"cancelled", "refunded"}:
            self._later(at + self.dice.uniform(0, 4), lambda: self._post(order, order.kind))
        if order.kind == "objects":
            self._later(at + self.dice.uniform(0, 3), lambda: self._object(order))
        if order.kind in {"sees", "form"}:
            self._later(at + self.dice.uniform(0, 3), lambda: self._request(order))

    def on_message(self, seen):
        """A first message came: order at the other shop and stop everything, in either order."""
        second = self._firsts.pop((seen.recipient, seen.sender), None)
        if second and seen.may_have_arrived:
            elapsed = time.monotonic() - self._started
            self._later(elapsed + self.dice.uniform(0, 1), lambda: self._post(second, "created"))
            self._later(elapsed + self.dice.uniform(0, 3), lambda: self._stop(seen))
        elif second:
            self._firsts[seen.recipient, seen.sender] = second

    def start(self):
        self._started = time.monotonic()
        for _ in range(THREADS):
            threading.Thread(target=self._work, daemon=True).start()

    def rest(self):
        """Order what waited for a message that did not come."""
        for key in list(self._firsts):
            if second := self._firsts.pop(key, None):
                second.kind = "plain"
                self._later(0, lambda order=second: self._post(order, "created"))

    def is_posted(self):
        """Say whether all is done but what waits for a message."""
        with self._lock:
            return not self._todo and not self._busy

    def is_done(self):
        return self.is_posted() and not self._firsts

    def end(self):
        with self._lock:
            self._ended = True
            self._lock.notify_all()

    def _later(self, at, act):
        with self._lock:
            heapq.heappush(self._todo, (at, next(self._count), act))
            self._lock.notify()

    def _work(self):
        while True:
            with self._lock:
                while not self._ended and (wait := self._wait()) != 0:
                    self._lock.wait(wait)
                if self._ended:
                    return
                _, _, act = heapq.heappop(self._todo)
                self._busy += 1
            try:
                act()
            except Exception as problem:  # noqa: BLE001 - the drill must say so
                self.problems.append(repr(problem))
            finally:
                with self._lock:
                    self._busy -= 1

    def _wait(self):
        if not self._todo:
            return 0.5
        return max(0.0, self._todo[0][0] - (time.monotonic() - self._started))

    def _post(self, order, news):
        data = {"reference": order.reference, "email": order.email, "name": "Anna de Vries"}
        body = json.dumps({"type": f"order.{news}", "data": data}).encode()
        shop = self.shops[order.shop]
        message = f"msg_{order.reference}_{news}"

        def say():
            headers = signed_request("standard", shop["secret"], body, message_id=message)
            return self._say(shop["webhook_url"], body, headers)

        for _ in range(1 + (self.dice.random() < TWICE)):
            if not self._until_taken(say, f"{news} of {order.reference}"):
                return
            order.acknowledged = order.acknowledged or news == "created"

    def _stop(self, seen):
        if self._until_taken(lambda: self._say(seen.stop, {"scope": "all"}, {}), "stop"):
            self.stopped[seen.recipient] = time.monotonic()

    def _request(self, order):
        """Post the page's form once the order is acknowledged, each from another network."""
        shop = self.shops[order.shop]
        base = shop["webhook_url"].split("/webhooks/")[0]
        url = f"{base}/me" if order.kind == "sees" else f"{base}/object/{shop['shop']}"
        network = f"10.{order.number // 256 % 256}.{order.number % 256}.1"

        def say():
            if not order.acknowledged:
                return None
            order.requests_posted += 1
            return self._say(url, {"email": order.email}, {"X-Forwarded-For": network})

        if self._until_taken(say, f"{order.kind} of {order.reference}"):
            order.request_acknowledged = True
            if order.kind == "form":
                self.stopped[order.email] = time.monotonic()

    def _until_taken(self, say, what):
        """Say it until the answer is yes; False after any other answer than "later"."""
        while not self._ended:
            answer = say()
            if answer is not None and answer.ok:
                return True
            if answer is not None and answer.status_code not in {429, 503}:
                self.problems.append(f"{what}: {answer.status_code}")
                return False
            time.sleep(0.3)
        return False

    def _say(self, url, body, headers):
        self.tries += 1
        with contextlib.suppress(requests.RequestException):
            return requests.post(url, data=body, headers=headers, timeout=15)
        return None

    def _object(self, order):
        with db.transaction() as session:
            opt_out(session, order.email, EVERY_SHOP, "objection", clock.now())
        self.stopped[order.email] = time.monotonic()
