"""Messages to one person who asked for something: confirmations and links, never invitations."""
