"""How the shops' webhooks do: webhook deliveries counted by answer, and shops that fell silent."""
