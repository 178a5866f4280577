"""Whether and when a buyer is invited: eligibility, schedule, caps."""
