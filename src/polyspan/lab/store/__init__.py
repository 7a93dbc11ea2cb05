"""Where outputs are kept under their keys, and the lease on a folder that one process works in.

Gives: `lease`, `store`.
"""
