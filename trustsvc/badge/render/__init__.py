"""The badge as bytes: pure functions of a face, one file a form it takes."""
