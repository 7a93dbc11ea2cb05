"""Tables of results: the transfer matrix and those of the paper, as numbers and as text."""
