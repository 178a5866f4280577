"""The option type of a moment."""

from datetime import UTC, datetime

import click

MIN_YEAR, MAX_YEAR = 2000, 2200


class MomentType(click.ParamType[datetime]):
    """ISO 8601; UTC without a zone."""

    name = "ISO-TIME"

    def convert(
        self, value: str | datetime, param: click.Parameter | None, ctx: click.Context | None
    ) -> datetime:
        if isinstance(value, datetime):
            return value
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            self.fail("write it like 2027-03-01T10:00Z.", param, ctx)
        if not MIN_YEAR <= moment.year <= MAX_YEAR:
            self.fail(f"the year must be {MIN_YEAR} to {MAX_YEAR}.", param, ctx)
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
