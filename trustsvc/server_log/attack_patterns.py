"""Which requests look like an attack, and from how many a minute they are recorded."""

from ipaddress import ip_network

# By who may pass the route (http/access.py) and the status of the answer.
_BY_ACCESS = {
    ("signature", 401): "bad_signature",
    ("signature", 409): "replayed_id",
    ("sign_in", 404): "refused_sign_in",
    ("sign_in", 410): "refused_sign_in",
    ("link", 404): "bad_link",
}
_BY_STATUS = {413: "too_large", 429: "too_many"}

FLOOD = "flood"
KINDS = (
    "bad_signature",
    "replayed_id",
    "refused_sign_in",
    "forged_form",
    "bad_link",
    "too_large",
    "too_many",
    FLOOD,
)
# One old link is no attack, many a minute are; the same with requests.
_FROM = {"bad_link": 10, FLOOD: 1000}

MANY_ADDRESSES = "*"  # more addresses than are counted separately


def classify(access: str, status: int) -> str:
    """Kind of attack an answer points to; "" for none."""
    return _BY_ACCESS.get((access, status)) or _BY_STATUS.get(status, "")


def counts_to_flood(access: str, status: str) -> bool:
    """Whether a request counts: accepted signed orders may come by the thousand."""
    return access != "signature" or not status.startswith("2")


def threshold(kind: str) -> int:
    """The number a minute and address from which a kind is recorded."""
    return _FROM.get(kind, 1)


def counted_address(address: str) -> str:
    """Cut an IPv6 address to its /64, the range of one household or machine."""
    return str(ip_network((address, 64), strict=False)) if ":" in address else address
