"""What a person may ask about their data: see, take along, correct, restrict, object, erase."""
