"""What opens a shop's API, and the requests that carry it."""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from urllib.parse import urlencode

from trustsvc.http.exchange import HttpRequest
from trustsvc.orders.catch_up.paging import ListedOrder
from trustsvc.orders.platforms import fields


@dataclass(frozen=True, slots=True, repr=False)
class ApiCredentials:
    """Key and secret at one address. The key is empty where the secret is a token that suffices."""

    base_url: str
    key: str
    secret: str


@dataclass(frozen=True, slots=True)
class ApiWebhook:
    """A webhook as the platform lists it."""

    id: str
    address: str
    status: Literal["active", "disabled", "paused"]

    def __repr__(self) -> str:
        return f"ApiWebhook({self.status!r})"


def basic(credentials: ApiCredentials) -> dict[str, str]:
    """Give the header of Basic authentication (RFC 7617)."""
    pair = f"{credentials.key}:{credentials.secret}".encode()
    return {"Authorization": f"Basic {base64.b64encode(pair).decode()}"}


def get(url: str, query: Mapping[str, str | int], headers: Mapping[str, str]) -> HttpRequest:
    """Make a request for JSON."""
    return HttpRequest(
        f"{url}?{urlencode(query)}", headers={**headers, "Accept": "application/json"}
    )


def put(url: str, body: str, headers: Mapping[str, str]) -> HttpRequest:
    """Make a request that changes something; the body is JSON."""
    return HttpRequest(
        url,
        "PUT",
        {**headers, "Accept": "application/json", "Content-Type": "application/json"},
        body.encode(),
    )


def listed(row: fields.Tree, body: fields.Tree, modified: datetime | None) -> ListedOrder:
    """Take an order out of a list; `body` is what the platform's webhook would hold."""
    return ListedOrder(fields.text(row, "id"), modified, json.dumps(body).encode())
