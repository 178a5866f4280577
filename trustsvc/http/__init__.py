"""Who may pass a route, how often, and requests to the outside."""
