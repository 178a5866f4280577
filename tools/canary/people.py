"""A hundred marked people, and their orders with sixty extra marked fields.

Every marker begins with one of KINDS, so that one search finds them all.
"""

import itertools
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

KINDS = ("zqxqmail", "zqxqname", "zqxqmore", "zqxqshow", "zqxqself", "zqxqpriv", "zqxqtext")
EXTRA_FIELDS = 60
PLATFORMS = ("standard", "shopify", "woocommerce", "lightspeed")
TOPICS = {"shopify": "orders/fulfilled", "woocommerce": "order.updated"}
# Personal fields in orders of these platforms beyond name and address, and more.
FIELDS = (Path(__file__).parent / "fields.txt").read_text(encoding="ascii").split()


@dataclass(frozen=True)
class Person:
    number: int
    platform: str
    reviews: bool  # writes a review
    shows: bool  # and agrees to have it published

    def marker(self, kind):
        return f"{kind}{self.number:03d}q"

    @property
    def email(self):
        return f"{self.marker('zqxqmail')}@canary.example"

    @property
    def first(self):
        return self.marker("zqxqname")

    @property
    def last(self):
        return f"{self.marker('zqxqname')}van"

    @property
    def author_name(self):
        return self.marker("zqxqshow" if self.shows else "zqxqself")

    @property
    def order(self):
        return 700000 + self.number

    def extra(self, field):
        return f"zqxqmore{self.number:03d}f{field:02d}q"

    @property
    def form(self):
        """The review: under a chosen name, for the public or for the shop alone."""
        text = self.marker("zqxqtext" if self.shows else "zqxqpriv")
        form = {"stars": "4", "title": text, "text": f"Came on time. {text}"}
        form |= {"name": self.author_name, "city": f"{self.author_name}city"}
        return form | {"consent": "yes" if self.shows else "no"}


def make_people(how_many=100):
    """Of four people one writes nothing, one for the shop alone, two for the public."""
    return [
        Person(
            number, PLATFORMS[number % 4], reviews=number // 4 % 4 != 0, shows=number // 4 % 4 > 1
        )
        for number in range(how_many)
    ]


def order_body(person):
    """Give a person's order in the format of its platform."""
    count = itertools.count()
    extra = {name: person.extra(next(count)) for name in FIELDS[:EXTRA_FIELDS]}
    assert len(extra) == EXTRA_FIELDS
    return json.dumps(SHAPES[person.platform](person, extra, datetime.now(UTC))).encode()


def _standard(person, extra, now):
    data = {"reference": str(person.order), "email": person.email, "locale": "en"}
    data |= {"name": f"{person.first} {person.last}", "consent": True, **extra}
    return {"type": "order.shipped", "timestamp": now.isoformat(), "data": data}


def _shopify(person, extra, now):
    moment = now.isoformat(timespec="seconds")
    names = {"first_name": person.first, "last_name": person.last}
    address = names | {"address1": extra["street"], "phone": extra["phone"], "zip": extra["zip"]}
    return {
        "id": person.order,
        "order_number": person.order,
        "name": f"#{person.order}",
        "email": person.email,
        "contact_email": person.email,
        "created_at": moment,
        "updated_at": moment,
        "processed_at": moment,
        "financial_status": "paid",
        "fulfillment_status": "fulfilled",
        "test": False,
        "customer_locale": "en",
        "buyer_accepts_marketing": True,
        "customer": names | {"email": person.email, "note": extra["note"]},
        "billing_address": address,
        "shipping_address": address | {"company": extra["company"]},
        "client_details": {"browser_ip": extra["browser_ip"], "user_agent": extra["user_agent"]},
        "note_attributes": [{"name": name, "value": value} for name, value in extra.items()],
        "fulfillments": [{"created_at": moment, "status": "success"}],
    }


def _woocommerce(person, extra, now):
    moment = now.strftime("%Y-%m-%dT%H:%M:%S")
    names = {"first_name": person.first, "last_name": person.last}
    return {
        "id": person.order,
        "number": str(person.order),
        "status": "completed",
        "date_created": moment,
        "date_created_gmt": moment,
        "date_modified_gmt": moment,
        "date_paid_gmt": moment,
        "date_completed_gmt": moment,
        "billing": names | {"email": person.email, "address_1": extra["street"], **extra},
        "shipping": names | {"phone": extra["mobile"]},
        "customer_ip_address": extra["browser_ip"],
        "customer_note": extra["customer_note"],
        "meta_data": [{"key": name, "value": value} for name, value in extra.items()],
    }


def _lightspeed(person, extra, now):
    moment = now.isoformat(timespec="seconds")
    inside = {"email": person.email, "birthDate": extra["birthday"], **extra}
    return {
        "order": {
            "id": person.order,
            "number": f"ORD{person.order}",
            "createdAt": moment,
            "updatedAt": moment,
            "status": "completed_shipped",
            "paymentStatus": "paid",
            "shipmentStatus": "shipped",
            "email": person.email,
            "firstname": person.first,
            "middlename": False,
            "lastname": person.last,
            "nationalId": extra["national_id"],
            "phone": extra["phone"],
            "remoteIp": extra["browser_ip"],
            "addressBillingStreet": extra["street"],
            "memo": extra["note_internal"],
            "newsletterSubscribed": True,
            "language": {"code": "en", "locale": "en"},
            "customer": {"resource": {"embedded": inside}},
        }
    }


SHAPES = {
    "standard": _standard,
    "shopify": _shopify,
    "woocommerce": _woocommerce,
    "lightspeed": _lightspeed,
}
