"""What the browser tests look at: a jeweller with a handful of honest reviews."""

from datetime import timedelta

from sqlalchemy import select, update

from jobs.publish_reviews import publish_reviews
from jobs.refresh_badges import refresh_badges
from tests.reviews import sample_reviews
from trustsvc import clock
from trustsvc.reviews import moderate
from trustsvc.shops import directory, enrol
from trustsvc.shops.models import shops
from trustsvc.storage import db
from trustsvc.work_queue import job_queue

KAART = (
    "De ring past perfect. Er zat een handgeschreven kaartje bij, en de doos is zo mooi dat ik "
    "haar heb bewaard."
)
LATER = (
    "Het graveren duurde twee dagen langer, maar ik kreeg er op tijd bericht van. Het resultaat is "
    "prachtig."
)
GEDOE = (
    "Drie keer gebeld voordat iemand wist waar mijn pakket was. Uiteindelijk wel mijn geld terug."
)
SAID = [
    (5, "Precies zoals op de foto", KAART, "Sanne V.", "Utrecht"),
    (4, "Mooi werk, iets later dan gezegd", LATER, "Joost", "Groningen"),
    (5, "", "Snel geholpen toen de sluiting stuk ging. Kosteloos gemaakt.", "M. de Bruin", ""),
    (2, "Ruilen was een gedoe", GEDOE, "Karim A.", "Rotterdam"),
    (5, "Aanrader", "Eerlijk advies over de steen, niets opgedrongen.", "Lotte", "Haarlem"),
]


def shop_with_reviews():
    start = clock.now() - timedelta(days=12)
    with db.transaction() as session:
        new = enrol.Enrolment(
            "Juwelier De Gouden Ring",
            "degoudenring.example",
            "standard",
            language="nl",
            reply_to="service@degoudenring.example",
        )
        made, _ = enrol.enrol(session, new, start - timedelta(days=300))
        session.execute(
            update(shops).where(shops.c.id == made.id).values(proven_at=start - timedelta(days=299))
        )
    with job_queue.capture([].append):
        for number, (stars, title, text, name, city) in enumerate(SAID):
            at = start + timedelta(days=2 * number)
            said = {"stars": stars, "title": title, "text": text, "name": name, "city": city}
            public_id = sample_reviews.review(made, at=at, **said)
            with db.transaction() as session:
                moderate.approve(session, public_id, "command line", at)
            with clock.at(at + timedelta(days=1)):
                publish_reviews()
        refresh_badges()
    return made_before()


def made_before():
    """Give the shop of `shop_with_reviews`, the only one."""
    with db.reading() as session:
        return directory.by_id(session, session.scalar(select(shops.c.id)))


def open_link(shop):
    """Invite a buyer; gives the id inside the links of the message."""
    order_id = sample_reviews.order(shop, shipped_at=clock.now())
    return sample_reviews.invitation(shop, order_id)[1]
