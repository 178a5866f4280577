"""The database, its columns, the event log and the suppression journal."""
