"""`python -m trustsvc.cli`, for children that must run with the same Python."""

from trustsvc.cli import main

main()
