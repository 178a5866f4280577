"""Let everybody begin again: one process and one Redis run many tests."""

from trustsvc.privacy.views import privacy_page_limit
from trustsvc.registry.views import registration_limit
from trustsvc.server_log import wrong_signatures
from trustsvc.work_queue import job_queue

LIMITS = (
    wrong_signatures.wrong_signature_limit,
    privacy_page_limit,
    registration_limit,
)


def reset():
    for limit in LIMITS:
        limit.hits.clear()
    for key in job_queue.connection().keys("trustsvc:rate:*"):
        job_queue.connection().delete(key)
