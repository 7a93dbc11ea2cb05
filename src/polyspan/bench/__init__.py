"""Speed as a ratio: polyspan and today's way of doing the same, measured in turns in one run on one machine.

Gives: `measurements`. Its own: `arithmetic`, `busy`, `cached_report`, `fine_tuning`, `makers`, `material`,
`ours`, `overhead`, `peak_memory`, `peer`, `probes`, `retrieval`, `solvers`, `worker`.
"""
