"""Where outputs are kept under their keys, and the lease on a folder that one process works in.

Gives: `archive`, `lease`, `leaving_out`, `places`, `store`.
"""
