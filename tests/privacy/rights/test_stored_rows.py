import dataclasses
from typing import get_args, get_type_hints

import pytest

from trustsvc.privacy.rights import stored_rows
from trustsvc.reviews.state import ReviewState
from trustsvc.storage.columns import metadata

KINDS = {name: get_args(hint)[0] for name, hint in get_type_hints(stored_rows.StoredRows).items()}


@pytest.mark.parametrize("table", KINDS)
def test_each_field_is_a_column_and_may_be_empty_where_the_column_may(table):
    columns = metadata.tables[table].c

    for one in dataclasses.fields(KINDS[table]):
        assert ("None" in str(one.type)) == columns[one.name].nullable, one.name


def test_a_state_becomes_a_member_of_its_enum():
    row = dict.fromkeys(column.name for column in metadata.tables["reviews"].c)
    rows = {name: [] for name in KINDS} | {"reviews": [row | {"state": "pending"}]}

    (review,) = stored_rows.read(rows).reviews

    assert review.state is ReviewState.PENDING
