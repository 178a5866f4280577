"""When a letter leaves: after which moment, and by daylight at the buyer's. Pure, as rules.py."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from trustsvc.invitations.planning.eligibility import OrderHistory, ShopRules

OPENS = time(9)
CLOSES = time(20)
SATURDAY = 5

# Countries with one time zone; elsewhere (Spain with the Canaries, Portugal with the Azores, the
# United States) a country does not say what time it is, and the shop's zone is taken.
_ZONES = {
    "AT": "Vienna",
    "BE": "Brussels",
    "BG": "Sofia",
    "CH": "Zurich",
    "CZ": "Prague",
    "DE": "Berlin",
    "DK": "Copenhagen",
    "EE": "Tallinn",
    "FI": "Helsinki",
    "FR": "Paris",
    "GB": "London",
    "GR": "Athens",
    "HR": "Zagreb",
    "HU": "Budapest",
    "IE": "Dublin",
    "IT": "Rome",
    "LI": "Vaduz",
    "LT": "Vilnius",
    "LU": "Luxembourg",
    "LV": "Riga",
    "MC": "Monaco",
    "MT": "Malta",
    "NL": "Amsterdam",
    "NO": "Oslo",
    "PL": "Warsaw",
    "RO": "Bucharest",
    "SE": "Stockholm",
    "SI": "Ljubljana",
    "SK": "Bratislava",
}


def start_event(shop: ShopRules, order: OrderHistory) -> tuple[str, datetime]:
    """Give the moment a letter counts from, by name: the shop's choice, or the last one known.

    A moment that was not told yet (shipped) is replaced by an earlier one (paid, created); when it
    is told before the letter left, the letter is planned again.
    """
    told = {
        "delivered": order.delivered_at,
        "shipped": order.shipped_at,
        "paid": order.paid_at,
        "created": order.created_at,
    }
    names = list(told)
    for name in names[names.index(shop.moment) :]:
        at = told[name]
        if at is not None:
            return name, at
    return "created", order.created_at


def experienced_at(order: OrderHistory) -> datetime:
    """Date of the experience, as shown at the review (Code de la consommation D111-17)."""
    return order.delivered_at or order.shipped_at or order.paid_at or order.created_at


def due_at(shop: ShopRules, order: OrderHistory, zone: str, now: datetime) -> datetime:
    """Say when the letter leaves: the delay after the moment, by daylight, never in the past."""
    _, start = start_event(shop, order)
    on_weekdays = shop.delay_unit == "weekdays"
    return daytime(max(_later(start, shop, zone), now), zone, on_weekdays=on_weekdays)


def reminder_due_at(sent_at: datetime, days: int, zone: str, now: datetime) -> datetime:
    place = _place(zone)
    return daytime(max(_on(sent_at, place, days), now), zone)


def daytime(moment: datetime, zone: str, *, on_weekdays: bool = False) -> datetime:
    """Move a moment into 09:00-20:00 of a zone, forward only; on weekdays if so wished."""
    place = _place(zone)
    local = moment.astimezone(place)
    if local.time() >= CLOSES:
        local = _at_opening(local.date() + timedelta(days=1), place)
    elif local.time() < OPENS:
        local = _at_opening(local.date(), place)
    while on_weekdays and local.weekday() >= SATURDAY:
        local = _at_opening(local.date() + timedelta(days=1), place)
    return local.astimezone(UTC)


def buyer_zone(locale: str | None, fallback: str) -> str:
    """Say in which zone a buyer lives: by the country of the locale (nl-BE), else the shop's."""
    parts = (locale or "").replace("_", "-").split("-")
    city = next((_ZONES[part] for part in map(str.upper, parts[1:]) if part in _ZONES), None)
    return f"Europe/{city}" if city else fallback


def _later(start: datetime, shop: ShopRules, zone: str) -> datetime:
    place = _place(zone)
    if shop.delay_unit == "minutes":
        return start.astimezone(UTC) + timedelta(minutes=shop.delay)
    if shop.delay_unit == "hours":
        return start.astimezone(UTC) + timedelta(hours=shop.delay)
    if shop.delay_unit == "days":
        return _on(start, place, shop.delay)
    return _on(start, place, _days_of_weekdays(start.astimezone(place).date(), shop.delay))


def _days_of_weekdays(start: date, weekdays: int) -> int:
    """Count the days until so many weekdays have begun; from a weekend, at least to Monday."""
    days = 0
    while weekdays > 0 or (start + timedelta(days=days)).weekday() >= SATURDAY:
        days += 1
        if (start + timedelta(days=days)).weekday() < SATURDAY:
            weekdays -= 1
    return days


def _on(start: datetime, place: ZoneInfo, days: int) -> datetime:
    """Go days on by the calendar: the same time on the wall, through summer time too."""
    local = start.astimezone(place)
    return (local.replace(tzinfo=None) + timedelta(days=days)).replace(tzinfo=place).astimezone(UTC)


def _at_opening(day: date, place: ZoneInfo) -> datetime:
    return datetime.combine(day, OPENS, place)


def _place(zone: str) -> ZoneInfo:
    try:
        return ZoneInfo(zone)
    except (KeyError, ValueError, OSError):
        return ZoneInfo("UTC")
