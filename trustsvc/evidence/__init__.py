"""What this house can show: the last fault drills and the receipts of its deletions."""
