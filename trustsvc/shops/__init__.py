"""Who may send orders and show a badge."""
