"""Requests mutated at random over all routes: none fails by our fault, none takes a second of CPU.

Here some hundred; `make mutate` sends 200,000 (REQUESTS, and SEED to see one run again).
"""

import json
import os
import random
import string
from collections import Counter
from functools import partial
from urllib.parse import quote

import pytest

from tests.app import test_other_shop, two_shops
from tests.attack import cpu, hostile
from tests.attack.test_routes import FORM, HEADERS, Opener, field_names
from tests.orders.webhook_client import SECRETS, Shop, sample
from tests.signing import signed_request

REQUESTS = int(os.environ.get("REQUESTS") or 300)
SEED = int(os.environ.get("SEED") or 1)
SHOPS_LAST = 1000  # requests, then another shop with links that still open something
MOST_S = 1.0
SIGNS = "\0\x1b\u202e\ufeffé\u0300İß<>&'\"{}%"
NOT_READY = {"/readyz"}  # no scheduler runs here: 503 is the truth
TYPES = (FORM, "application/json", "multipart/form-data; boundary=b", "text/plain", "", "é;=;")
METHODS = ("GET", "POST", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS")


class Mutations:
    """Makes requests: each begins as one that works, and is changed a little or a lot."""

    def __init__(self, opener):
        self.dice = random.Random(SEED)
        self.opener = opener
        self.names = field_names()
        self.shops = {name: Shop(opener.client, name) for name in SECRETS}
        rules = test_other_shop._routes(opener.app)
        self.rules = [(rule, rules[rule][0]) for rule in sorted(rules) if "filename" not in rule]

    def request(self):
        if self.dice.random() < 0.3:
            return self.delivery()
        rule, methods = self.dice.choice(self.rules)
        path = self.dice.choice(list(test_other_shop._paths(rule, self.opener._id(rule))))
        method = self.dice.choice(sorted(methods) if self.dice.random() < 0.9 else METHODS)
        sent = {"headers": self.headers(), "query_string": self.query()}
        if method == "POST":
            sent |= self.body(rule)
        return rule, method, self.path(path), sent

    def delivery(self):
        """Give a signed order with some of its values changed."""
        shop = self.shops[self.dice.choice(sorted(self.shops))]
        body = sample(shop.platform)
        for _ in range(self.dice.randrange(4)):
            self.change(body)
        data = hostile.body(body)
        if self.dice.random() < 0.2:
            data = self.bytes(data)
        headers = signed_request(shop.platform, shop.secret, data)
        if self.dice.random() < 0.2:
            name = self.dice.choice(sorted(headers))
            headers[name] = self.header()
        return "a delivery", "POST", shop.url, {"data": data, "headers": headers}

    def change(self, tree):
        """Put something else in the place of one value of a tree, at any depth."""
        while True:
            keys = list(tree) if isinstance(tree, dict) else range(len(tree))
            if not keys:
                return
            key = self.dice.choice(list(keys))
            inner = tree[key]
            if not isinstance(inner, dict | list) or self.dice.random() < 0.2:
                tree[key] = self.value()
                return
            tree = inner

    def value(self):
        kinds = (
            lambda: self.text(4000),
            lambda: self.dice.choice([None, True, 0, -1, 2**63, 1e308, -0.5, [], {}, [[]], ""]),
            lambda: {self.text(9): self.text(9)},
            lambda: [self.text(20)] * self.dice.randrange(200),
            lambda: self.dice.randrange(-(10**40), 10**40),
        )
        return self.dice.choice(kinds)()

    def text(self, most):
        length = self.dice.randrange(most)
        if self.dice.random() < 0.5:
            piece = self.dice.choice(list(hostile.PIECES.values()))
            return (piece * (length // len(piece) + 1))[:length]
        signs = (
            string.printable if self.dice.random() < 0.5 else "\0\x1b\u202e\ufeffé\u0300İß<>&'\"{}%"
        )
        return "".join(self.dice.choices(signs, k=min(length, 60)))

    def bytes(self, data):
        """Flip, cut or double some bytes."""
        data = bytearray(data)
        for _ in range(self.dice.randrange(1, 5)):
            place = self.dice.randrange(len(data) + 1)
            data[place : place + self.dice.randrange(3)] = self.dice.randbytes(3)
        return bytes(
            data[: self.dice.randrange(len(data) + 1)] if self.dice.random() < 0.2 else data
        )

    def path(self, path):
        if self.dice.random() < 0.5:
            return path
        place = self.dice.randrange(1, len(path) + 1)
        more = quote(self.text(40), safe="/.;") if self.dice.random() < 0.7 else ""
        return "/" + (path[:place] + more + path[place + self.dice.randrange(3) :]).lstrip("/")

    def query(self):
        names = self.dice.sample(self.names, self.dice.randrange(4))
        return "&".join(f"{name}={quote(self.text(200))}" for name in names)

    def headers(self):
        return [(name, self.header()) for name in self.dice.sample(HEADERS, self.dice.randrange(5))]

    def header(self):
        return self.text(300).encode("utf-8", "replace").decode("latin-1").translate(LINES)

    def body(self, rule):
        fields = dict(test_other_shop.FORM.get(rule, {}))
        if rule.startswith("/desk") or self.dice.random() < 0.1:
            fields["form_token"] = self.opener.token
        for name in self.dice.sample(self.names, self.dice.randrange(6)):
            fields[name] = self.text(5000)
        data = "&".join(f"{name}={quote(str(value))}" for name, value in fields.items()).encode()
        kind = FORM
        if self.dice.random() < 0.2:
            kind = self.dice.choice(TYPES)
            data = json.dumps(self.value()).encode() if "json" in kind else self.bytes(data)
        return {"data": data, "content_type": kind}


LINES = {ord("\r"): " ", ord("\n"): " "}  # the test client refuses them, as servers do


@pytest.mark.slow
def test_no_mutated_request_fails_by_our_fault_or_takes_a_second(app):
    opener = Opener(app)
    mutations = Mutations(opener)
    statuses, slowest = Counter(), (0.0, "")
    for number in range(1, REQUESTS + 1):
        if number % SHOPS_LAST == 0:
            opener.mine = two_shops.make(f"Alfa{number}")
        rule, method, path, sent = mutations.request()
        seconds, answer = cpu.of(partial(opener.ask, method, path, **sent))
        statuses[answer.status_code] += 1
        what = f"request {number} of seed {SEED}: {method} {rule}"
        slowest = max(slowest, (seconds, what))
        assert answer.status_code < 500 or rule in NOT_READY, (what, answer.status_code)
        assert seconds < MOST_S or seconds < MOST_S * cpu.slowness(), (what, seconds)
    print(f"{REQUESTS} requests, seed {SEED}: {dict(statuses)}; slowest {slowest}")
