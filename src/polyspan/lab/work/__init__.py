"""The work of each kind of stage."""
