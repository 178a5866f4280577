"""An order comes in and is kept once, as briefly as we can."""
