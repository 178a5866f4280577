"""The time zones in which a buyer may live, by country. Pure."""

from trustsvc import countries

SEPARATOR = "+"


def zone_of(country: str, locale: str = "") -> str:
    """Give the zone of a country, several joined by "+" where it has several; "" for unknown.

    `country` is the address's, as a code or a name. Without one the country of the locale is used
    (fr-CA). A message that leaves by day in each of the zones leaves by day in all of the country.
    """
    if known := countries.find(country):
        return known.zone
    for part in locale.replace("_", "-").partition(".")[0].split("-")[1:]:
        if len(part) == 2 and (known := countries.find(part)):
            return known.zone
    return ""
