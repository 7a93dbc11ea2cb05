"""How stages are made: in which order, in this process, over devices, or on a Ray cluster.

Gives: `live`, `local`, `ray_cluster`, `schedule`. Its own: `execution`, `processes`.
"""
