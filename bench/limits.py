"""What a badge may cost; tests/browser holds the same figures."""

BYTES = {"script": 1_600, "image": 600, "fetch": 700}
SCRIPT_GZIP = 1_900
UNSIGNED = 400  # the data without the signed statement
PAGE_BYTES = 2_500
REQUESTS = 3
LIST_BYTES = 4_000
