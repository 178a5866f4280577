"""What the shops' webhooks bring: deliveries counted by answer, and shops that fell silent."""
