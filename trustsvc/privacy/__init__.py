"""Data protection: rights of people, retention, documents, keys, breach scope, receipts."""
