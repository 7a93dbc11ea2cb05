"""The Reader: an encoder with a span head, and how its answers are found; `batch`, `layers` and `map` serve both.

Gives: `abilities`, `adapters`, `answers`, `batch`, `calibrate`, `calibration`, `decode`, `encoders`,
`evidence`, `fast`, `layers`, `map`, `reader`, `search`, `vocabulary`, `windows`. Its own: `distribution`,
`words`.
"""
