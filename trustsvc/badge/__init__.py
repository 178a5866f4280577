"""The small thing on the shop's page, rendered when the score changes."""
