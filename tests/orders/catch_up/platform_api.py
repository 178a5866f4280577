"""A shop's API on loopback: it speaks as each platform documents it, and fails on demand.

It is no double of our client but a server of its own: it checks credentials, filters, sorts and
pages, refuses what the platform refuses, and keeps a list of what it was asked.
"""

import base64
import json
import re
import threading
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlencode, urlsplit

from trustsvc.demo import example_orders

KEY, SECRET = "ck_1f6a2b7c8d", "cs_9e8d7c6b5a4f"
TOKEN = "shpat_2b7c8d9e0f"
MODIFIED = {
    "woocommerce": "date_modified_gmt",
    "shopify": "updated_at",
    "lightspeed": "updatedAt",
}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    api = None

    def do_GET(self):
        self.answer("GET")

    def do_PUT(self):
        self.answer("PUT")

    def do_POST(self):
        self.answer("POST")

    def answer(self, method):
        parts = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.api.asked.append((method, parts.path, query))
        fault = self.api.faults.pop(0) if self.api.faults else ""
        with suppress(OSError):
            if fault:
                self.fail(fault)
            else:
                self.send(*self.api._reply(method, parts.path, query, self.headers, body))

    def send(self, status, value, headers=None):
        data = value if isinstance(value, bytes) else json.dumps(value).encode()
        self.send_response(status)
        for name, text in (headers or {}).items():
            self.send_header(name, text)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def fail(self, fault):
        self.close_connection = True
        if fault == "slow":
            self.send_response(200)
            self.end_headers()
            with suppress(OSError):
                for _ in range(600):
                    self.wfile.write(b" ")
                    time.sleep(0.05)
        elif fault == "truncated":
            self.send_response(200)
            self.send_header("Content-Length", "5000")
            self.end_headers()
            self.wfile.write(b"[{")
        elif fault == "page":
            self.send(200, b"<!doctype html><p>Briefly unavailable for maintenance")
        elif fault == "object":
            self.send(200, {"code": "rest_no_route"})
        elif isinstance(fault, tuple):
            self.send(fault[0], {"message": "jan@mail.example"}, fault[1])
        else:
            self.send(int(fault), {"message": "jan@mail.example"})

    def log_message(self, *_):
        pass


class PlatformApi:
    """The API of one shop. `faults` are used up one a request, in this sequence; "" is none."""

    def __init__(self, platform, *, zone=timedelta(0)):
        self.platform = platform
        self.zone = zone  # in which Lightspeed reads moments that name none
        self.orders = {}
        self.webhooks = []
        self.faults = []
        self.asked = []  # (method, path, query)
        self.may_write = True
        self.may_read = True
        self.before_page = lambda *_: None
        self.pages = 0
        self.server = ThreadingHTTPServer(
            ("127.0.0.1", 0), type("Handler", (_Handler,), {"api": self})
        )
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()
        port = self.server.server_address[1]
        language = "/nl" if platform == "lightspeed" else ""
        self.url = f"http://127.0.0.1:{port}{language}"

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def place(self, modified, **changes):
        """Place an order, or many of one moment; gives its id."""
        order = json.loads(example_orders.example_order(self.platform, modified).body)
        order = order.get("order", order)
        self.orders[order["id"]] = order
        self.edit(order["id"], modified, **changes)
        return order["id"]

    def edit(self, order_id, modified, **changes):
        order = self.orders[order_id]
        moment = modified.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S")
        order[MODIFIED[self.platform]] = moment + (
            "" if self.platform == "woocommerce" else "+00:00"
        )
        order.update(changes)

    def modified(self, order):
        return datetime.fromisoformat(order[MODIFIED[self.platform]]).replace(tzinfo=UTC)

    def subscribe(self, address, active=True):
        number = len(self.webhooks) + 1
        if self.platform == "woocommerce":
            status = active if isinstance(active, str) else "active" if active else "disabled"
            hook = {"id": number, "status": status, "delivery_url": address}
        else:
            hook = {"id": number, "isActive": bool(active), "address": address}
        self.webhooks.append(hook)

    def requests(self, ending="orders"):
        return [one for one in self.asked if one[1].removesuffix(".json").endswith(ending)]

    def _reply(self, method, path, query, headers, body):
        if self.platform == "shopify":
            return self._shopify(method, path, query, headers, body)
        expected = base64.b64encode(f"{KEY}:{SECRET}".encode()).decode()
        if headers["Authorization"] != f"Basic {expected}" or not self.may_read:
            return 401, {"code": "woocommerce_rest_cannot_view", "message": "Sorry"}
        if method == "PUT":
            return self._enable(path, body)
        if self.platform == "woocommerce":
            return self._woocommerce(path, query)
        return self._lightspeed(path, query)

    def _enable(self, path, body):
        if not self.may_write:
            return 401, {"message": "The API key provided does not have write permissions."}
        number = int(re.search(r"/webhooks/(\d+)", path)[1])
        hook = next(one for one in self.webhooks if one["id"] == number)
        change = json.loads(body)
        hook.update(change.get("webhook", change))
        return 200, hook

    def _woocommerce(self, path, query):
        if path == "/wp-json/wc/v3/webhooks":
            return 200, self.webhooks
        if path != "/wp-json/wc/v3/orders":
            return 404, {"code": "rest_no_route"}
        assert query["dates_are_gmt"] == "true"
        is_trash = query["status"] == "trash"
        found = [
            one
            for one in self.orders.values()
            if (one["status"] == "trash") is is_trash
            and self.modified(one) > self._moment(query["modified_after"])
            and self.modified(one) < self._moment(query.get("modified_before", "2100-01-01"))
        ]
        self.pages += not is_trash
        if not is_trash:
            self.before_page(self.pages)
        return self._page(found, int(query["page"]), int(query["per_page"]))

    def _page(self, found, page, size):
        found.sort(key=lambda one: (self.modified(one), one["id"] or 0))
        pages = -(-len(found) // size)
        headers = {"X-WP-Total": str(len(found)), "X-WP-TotalPages": str(pages)}
        return 200, found[(page - 1) * size : page * size], headers

    def _lightspeed(self, path, query):
        if path == "/nl/webhooks.json":
            return 200, {"webhooks": self.webhooks}
        if path != "/nl/orders.json":
            return 404, {"error": {"code": 404}}
        self.pages += 1
        self.before_page(self.pages)
        first = self._moment(query["updated_at_min"]) - self.zone
        last = self._moment(query.get("updated_at_max", "2100-01-01 00:00:00")) - self.zone
        found = [one for one in self.orders.values() if first <= self.modified(one) <= last]
        found.sort(key=lambda one: one["id"] or 0, reverse=True)  # newest first
        page, size = int(query["page"]), int(query["limit"])
        assert size <= 250
        return 200, {"orders": found[(page - 1) * size : page * size]}

    def _shopify(self, method, path, query, headers, body):
        if path == "/admin/oauth/access_token":
            form = {name: values[0] for name, values in parse_qs(body.decode()).items()}
            wanted = {
                "grant_type": "client_credentials",
                "client_id": KEY,
                "client_secret": SECRET,
            }
            if method != "POST" or form != wanted:
                return 400, {"error": "invalid_client"}
            return 200, {"access_token": TOKEN, "scope": "read_orders", "expires_in": 86399}
        if headers["X-Shopify-Access-Token"] != TOKEN or not self.may_read:
            return 401, {"errors": "[API] Invalid API key or access token"}
        if path != "/admin/api/2026-10/orders.json":
            return 404, {"errors": "Not Found"}
        self.pages += 1
        self.before_page(self.pages)
        return self._shopify_page(path, query)

    def _shopify_page(self, path, query):
        size = int(query["limit"])
        if "page_info" in query:
            if set(query) != {"limit", "page_info"}:
                return 400, {"errors": "page_info must be used alone"}
            place = json.loads(base64.urlsafe_b64decode(query["page_info"]))
        else:
            assert query["status"] == "any"
            place = {
                "from": query["updated_at_min"],
                "to": query.get("updated_at_max", "2100-01-01T00:00:00Z"),
                "after": 0,
            }
        found = [
            one
            for one in sorted(self.orders.values(), key=lambda one: one["id"] or 0)
            if self._moment(place["from"]) <= self.modified(one) <= self._moment(place["to"])
            and (one["id"] or 1) > place["after"]
        ]
        rows = found[:size]
        answer = {}
        if len(found) > size:
            place["after"] = rows[-1]["id"]
            token = base64.urlsafe_b64encode(json.dumps(place).encode()).decode()
            link = f"{self.url}{path}?{urlencode({'limit': size, 'page_info': token})}"
            answer["Link"] = f'<{link}>; rel="next"'
        return 200, {"orders": rows}, answer

    def _moment(self, text):
        moment = datetime.fromisoformat(text)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
