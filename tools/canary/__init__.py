"""Follows marked people through the whole service and searches every byte for them."""
