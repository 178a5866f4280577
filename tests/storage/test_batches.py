import pytest

from trustsvc.storage.batches import BATCH_SIZE, batches


@pytest.mark.parametrize("number", [0, 1, BATCH_SIZE, BATCH_SIZE + 1, 3 * BATCH_SIZE])
def test_each_item_is_in_one_batch_and_none_is_too_large(number):
    found = list(batches(iter(range(number))))

    assert [item for batch in found for item in batch] == list(range(number))
    assert all(0 < len(batch) <= BATCH_SIZE for batch in found)
