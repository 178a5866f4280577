"""What still needs an older key of the registry or of the look-ups: marks made with it.

A mark says its version, and nobody can make it anew without the address. So a version goes only
when nothing made with it is left, neither in the database nor in the file of suppressions.
"""

from collections import Counter

from sqlalchemy.orm import Session

from trustsvc.privacy.documents import data_inventory
from trustsvc.privacy.keys.reach import key_of
from trustsvc.privacy.shop_of_row import rows_with_shop
from trustsvc.storage import suppression_journal

KINDS = ("registry", "lookup")
BITE = 1000
OF_LINE = {
    "opt_out": "opt_outs",
    "again": "opt_outs",
    "leave": "registered_buyers",
    "restrict": "restrictions",
    "lift": "restrictions",
    "cancel": "orders",
}


def count_pseudonyms(session: Session) -> Counter[tuple[str, int]]:
    """Count the marks made with each (kind, version); reads every keyed mark there is."""
    count: Counter[tuple[str, int]] = Counter()
    marks = [one for one in data_inventory.personal() if one.info["category"] == "pseudonym"]
    for table in dict.fromkeys(one.table for one in marks):
        own = [one for one in marks if one.table is table]
        rows = session.execute(rows_with_shop(table, own).execution_options(yield_per=BITE))
        for shop, *stored in rows:
            for column, value in zip(own, stored, strict=True):
                if value is not None:
                    count.update(key_of(column.table.name, shop or 0, bytes(value)))
    book = suppression_journal.read()
    for line in book.lines if book else ():
        table_name = OF_LINE.get(line.kind)
        if table_name:  # the others name a review, by no key
            count.update(key_of(table_name, line.shop_id, line.mark))
    return count
