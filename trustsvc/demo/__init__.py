"""Example orders and shops, and the demo's pages: a shop, a mailbox."""
