"""The command line: one file a group of verbs, each verb a thin face of a public function.

Gives: `main`. Its own: `align`, `ask`, `calibrate`, `data`, `export`, `help`, `lab`, `make`, `models`,
`options`, `predict`, `probe`, `push`, `scoring`, `serve`, `stats`, `terminal`, `train`.
"""
