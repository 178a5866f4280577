"""The outbox: every outbound message from due to settled, and what nobody can know."""
