"""A shop that asks all its buyers, connected to a stand-in of its platform's API."""

from datetime import timedelta

from sqlalchemy import func, select, update

from tests.orders.catch_up.platform_api import KEY, SECRET, TOKEN
from trustsvc import clock
from trustsvc.orders.catch_up import connection_status, connections
from trustsvc.orders.catch_up.connect import make_credentials
from trustsvc.orders.catch_up.models import api_connections
from trustsvc.orders.catch_up.run import CatchUpRun, catch_up_next
from trustsvc.orders.models import orders
from trustsvc.shops import enrol
from trustsvc.shops.models import shops
from trustsvc.storage import db

DAY = timedelta(days=1)


class ConnectedShop:
    def __init__(self, api, *, days=30):
        self.api = api
        with db.transaction() as session:
            new = enrol.Enrolment("Lamp", "lamp.example", api.platform, may_ask="customers")
            made, _ = enrol.enrol(session, new, clock.now())
            session.execute(
                update(shops)
                .where(shops.c.id == made.id)
                .values(created_at=clock.now() - days * DAY)
            )
        self.id, self.slug = made.id, made.slug
        self.address = f"https://reviews.example/webhooks/{api.platform}/{made.endpoint_id}"
        self.connect()

    def connect(self, key=None, secret=None):
        default = ("", TOKEN) if self.api.platform == "shopify" else (KEY, SECRET)
        key, secret = (key, secret) if secret else default
        credentials = make_credentials(self.shop, self.api.url, key, secret)
        with db.transaction() as session:
            connections.connect(session, self.shop, credentials, clock.now())

    @property
    def shop(self):
        from trustsvc.shops import directory

        with db.reading() as session:
            return directory.by_id(session, self.id)

    @property
    def state(self):
        with db.reading() as session:
            return connection_status.of_shops(session)[self.id]

    @property
    def row(self):
        with db.reading() as session:
            return session.execute(
                select(api_connections).where(api_connections.c.shop_id == self.id)
            ).one()

    def run(self, *, has_time=lambda: True, transaction=db.transaction):
        """Run once, due or not; gives the outcome and the counts."""
        return catch_up_next(CatchUpRun(transaction, clock.now, has_time), self.id)

    def stored(self):
        with db.reading() as session:
            query = select(func.count()).select_from(orders).where(orders.c.shop_id == self.id)
            return session.scalar(query)
