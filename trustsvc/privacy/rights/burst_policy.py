"""How an objection without proof is treated, by how many came in the hour and the day before."""

from dataclasses import dataclass
from datetime import timedelta

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
# An hour, of objections by the page. Buyers object by the link of their e-mail; few come by here.
MAX_OF_NETWORK = 30
HELD_OF_NETWORK, HELD_OF_SHOP, HELD_IN_ALL = 10, 30, 100
CONFIRMED_OF_SHOP, CONFIRMED_IN_ALL = 60, 200
# Three times as many in a day: who is slow enough for the hour is seen by the day.
A_DAY = 3
MOST_COUNTED = A_DAY * max(CONFIRMED_IN_ALL, CONFIRMED_OF_SHOP)


@dataclass(frozen=True, slots=True)
class Recent:
    """Objections of the past hour or day: from this network, at this shop, in all."""

    network: int
    shop: int
    in_all: int


@dataclass(frozen=True, slots=True)
class Treatment:
    """`is_held`: it holds at once, and the rest waits until somebody looked, or a day.

    `must_confirm`: it holds only by the link in a message. Nobody is turned away but a network that
    sends too many.
    """

    is_refused: bool
    is_held: bool
    must_confirm: bool

    @property
    def is_alarm(self) -> bool:
        return self.is_refused or self.is_held or self.must_confirm


def treatment(hour: Recent, day: Recent) -> Treatment:
    """Decide on the next objection, after these."""
    must_confirm = _is_confirmed(hour, 1) or _is_confirmed(day, A_DAY)
    return Treatment(
        is_refused=hour.network >= MAX_OF_NETWORK,
        is_held=not must_confirm and (_is_held(hour, 1) or _is_held(day, A_DAY)),
        must_confirm=must_confirm,
    )


def _is_held(recent: Recent, times: int) -> bool:
    return (
        recent.network >= times * HELD_OF_NETWORK
        or recent.shop >= times * HELD_OF_SHOP
        or recent.in_all >= times * HELD_IN_ALL
    )


def _is_confirmed(recent: Recent, times: int) -> bool:
    return recent.shop >= times * CONFIRMED_OF_SHOP or recent.in_all >= times * CONFIRMED_IN_ALL
