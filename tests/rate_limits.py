"""Let everybody begin anew: one process and one Redis run many tests."""

from trustsvc.privacy import views as request_views
from trustsvc.registry import views as registration_views
from trustsvc.server_log import wrong_signatures
from trustsvc.work_queue import job_queue

LIMITS = (wrong_signatures.rate_limit, request_views.rate_limit, registration_views.rate_limit)


def reset():
    for limit in LIMITS:
        limit.hits.clear()
    for key in job_queue.connection().keys("trustsvc:rate:*"):
        job_queue.connection().delete(key)
