"""The kinds of probe, one a file: options, what its figures are called, and what it computes."""
