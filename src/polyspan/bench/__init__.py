"""Speed as a ratio: polyspan and today's way of doing the same, measured in turns in one run on one machine.

Gives: `measurements`. Its own: `arithmetic`, `busy`, `cached_report`, `environments`, `export_table`,
`fine_tuning`, `makers`, `material`, `ours`, `overhead`, `page_table`, `peak_memory`, `peer`, `plain_peer`,
`probes`, `retrieval`, `runtime_ours`, `runtimes`, `solvers`, `worker`.
"""
