"""The web server's log, one file an hour, and what in it looked like an attack; gone at 90 days."""
