"""Catch up with orders whose webhooks never arrived, by the API of the shop's platform."""
