"""What comes back about a message: bounces, complaints, deliveries."""
