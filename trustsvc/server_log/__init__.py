"""The web server's log, one file an hour, and suspected attacks; both deleted by 90 days."""
