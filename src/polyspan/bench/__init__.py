"""Speed as a ratio: polyspan and today's way of doing the same, measured in turns in one run on one machine."""
