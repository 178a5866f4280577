"""The data inventory, and the documents that are made from it."""
