"""What a person may ask of us about their data: see, take along, correct, restrict, object, erase."""
