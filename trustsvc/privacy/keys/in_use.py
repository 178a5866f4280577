"""Which versions of the registry and lookup keys are still in use by stored pseudonyms.

A pseudonym names its key version and cannot be made again without the address. So a version may be
removed only when no pseudonym of it is left, in the database or in the suppression journal.
"""

from collections import Counter

from sqlalchemy.orm import Session

from trustsvc.privacy.documents import data_inventory
from trustsvc.privacy.keys.reach import key_of
from trustsvc.storage import suppression_journal

KINDS = ("registry", "lookup")
BATCH_SIZE = 1000
# The table whose pseudonyms a journal entry of this kind carries; the others carry a review's id.
TABLE_OF_ENTRY = {
    "opt_out": "opt_outs",
    "opt_in_again": "opt_outs",
    "unregister": "registered_buyers",
    "restrict": "restrictions",
    "lift_restriction": "restrictions",
    "cancel_order": "orders",
}


def count_pseudonyms(session: Session) -> Counter[tuple[str, int]]:
    """Count the pseudonyms of each (kind, version); reads every stored pseudonym."""
    count: Counter[tuple[str, int]] = Counter()
    columns = [one for one in data_inventory.personal() if one.info["category"] == "pseudonym"]
    for table in dict.fromkeys(one.table for one in columns):
        own = [one for one in columns if one.table is table]
        statement = data_inventory.rows_with_shop(table, own)
        rows = session.execute(statement.execution_options(yield_per=BATCH_SIZE))
        for shop, *stored in rows:
            for column, value in zip(own, stored, strict=True):
                if value is not None:
                    count.update(key_of(column.table.name, shop or 0, bytes(value)))
    journal = suppression_journal.read()
    for entry in journal.lines if journal else ():
        table_name = TABLE_OF_ENTRY.get(entry.kind)
        if table_name:
            count.update(key_of(table_name, entry.shop_id, entry.subject))
    return count
