"""What leaves the house and when: retention, purge, receipts, the notice."""
