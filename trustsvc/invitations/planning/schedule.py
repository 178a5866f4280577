"""When an invitation is sent: after which event, and in the buyer's daytime. Pure."""

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from trustsvc import countries
from trustsvc.invitations.planning.eligibility import ShopRules
from trustsvc.orders.facts import OrderFacts

OPENS = time(9)
CLOSES = time(20)
SATURDAY = 5

# Zones that share an hour of day share one within a week, weekends included.
MAX_DAYS_AHEAD = 14


def start_event(shop: ShopRules, order: OrderFacts) -> tuple[str, datetime]:
    """Give name and moment of the event the delay starts from: the shop's choice, if known.

    An event not known yet (shipped) is replaced by an earlier one (paid, created); if it arrives
    before the invitation is sent, the invitation is rescheduled. Where a carrier tells of the
    delivery, `shipped` counts from it: only then has the buyer something to review.
    """
    events = {
        "delivered": order.delivered_at,
        "shipped": order.shipped_at,
        "paid": order.paid_at,
        "created": order.created_at,
    }
    names = list(events)
    first = "delivered" if shop.moment == "shipped" else shop.moment
    for name in names[names.index(first) :]:
        at = events[name]
        if at is not None:
            return name, at
    return "created", order.created_at


def experienced_at(order: OrderFacts) -> datetime:
    """Date of the experience, as shown at the review (Code de la consommation D111-17)."""
    return order.delivered_at or order.shipped_at or order.paid_at or order.created_at


def due_at(shop: ShopRules, order: OrderFacts, zone: str, now: datetime) -> datetime:
    """Start event plus delay, moved into daytime, never in the past."""
    _, start = start_event(shop, order)
    on_weekdays = shop.delay_unit == "weekdays"
    return daytime(max(_add_delay(start, shop, zone), now), zone, on_weekdays=on_weekdays)


def reminder_due_at(sent_at: datetime, days: int, zone: str, now: datetime) -> datetime:
    return daytime(max(_add_days(sent_at, _zone_infos(zone)[0], days), now), zone)


def daytime(moment: datetime, zone: str, *, on_weekdays: bool = False) -> datetime:
    """Move a moment into 09:00-20:00 of a zone, forward only; to a weekday with `on_weekdays`.

    Of several zones joined by "+" it is that time in each. Zones that share no hour of day cannot
    all have it; then it is day in the first of them.
    """
    zone_infos = _zone_infos(zone)
    found = moment.astimezone(UTC)
    for _ in range(MAX_DAYS_AHEAD):
        start = found
        for zone_info in zone_infos:
            found = _daytime(found, zone_info, on_weekdays=on_weekdays)
        if found == start:
            return found
    return _daytime(moment, zone_infos[0], on_weekdays=on_weekdays)


def _daytime(moment: datetime, zone_info: ZoneInfo, *, on_weekdays: bool) -> datetime:
    local = moment.astimezone(zone_info)
    if local.time() >= CLOSES:
        local = _at_opening(local.date() + timedelta(days=1), zone_info)
    elif local.time() < OPENS:
        local = _at_opening(local.date(), zone_info)
    while on_weekdays and local.weekday() >= SATURDAY:
        local = _at_opening(local.date() + timedelta(days=1), zone_info)
    return local.astimezone(UTC)


def buyer_zone(locale: str | None, fallback: str) -> str:
    """Time zone of a buyer: by the country of the locale (nl-BE), else the shop's.

    Several zones, joined by "+", for a country that has them.
    """
    return countries.zone_of("", locale or "") or fallback


def _add_delay(start: datetime, shop: ShopRules, zone: str) -> datetime:
    zone_info = _zone_infos(zone)[0]
    if shop.delay_unit == "minutes":
        return start.astimezone(UTC) + timedelta(minutes=shop.delay)
    if shop.delay_unit == "hours":
        return start.astimezone(UTC) + timedelta(hours=shop.delay)
    if shop.delay_unit == "days":
        return _add_days(start, zone_info, shop.delay)
    return _add_days(
        start, zone_info, _days_of_weekdays(start.astimezone(zone_info).date(), shop.delay)
    )


def _days_of_weekdays(start: date, weekdays: int) -> int:
    """Calendar days until this many weekdays have begun; from a weekend, at least to Monday."""
    days = 0
    while weekdays > 0 or (start + timedelta(days=days)).weekday() >= SATURDAY:
        days += 1
        if (start + timedelta(days=days)).weekday() < SATURDAY:
            weekdays -= 1
    return days


def _add_days(start: datetime, zone_info: ZoneInfo, days: int) -> datetime:
    """Add calendar days, keeping the local time across daylight saving changes."""
    local = start.astimezone(zone_info)
    return (
        (local.replace(tzinfo=None) + timedelta(days=days))
        .replace(tzinfo=zone_info)
        .astimezone(UTC)
    )


def _at_opening(day: date, zone_info: ZoneInfo) -> datetime:
    return datetime.combine(day, OPENS, zone_info)


@lru_cache(maxsize=1024)
def _zone_infos(zone: str) -> tuple[ZoneInfo, ...]:
    """Read a zone or several; a name with a plus of its own is one zone (Etc/GMT+5)."""
    names = [zone] if zone.startswith("Etc/") else zone.split(countries.ZONE_SEPARATOR)
    return tuple(map(_zone_info, names))


def _zone_info(zone: str) -> ZoneInfo:
    try:
        return ZoneInfo(zone)
    except (KeyError, ValueError, OSError):
        return ZoneInfo("UTC")
