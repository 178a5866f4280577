"""The web server's log: one file an hour, gone before its first line is 90 days old."""
