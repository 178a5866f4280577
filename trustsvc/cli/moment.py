"""How a moment is written on the command line."""

from datetime import UTC, datetime

import click

EARLIEST, LATEST = 2000, 2200


class Moment(click.ParamType[datetime]):
    """ISO 8601; UTC where it names no zone."""

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
        if not EARLIEST <= moment.year <= LATEST:
            self.fail(f"the year must be {EARLIEST} to {LATEST}.", param, ctx)
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
