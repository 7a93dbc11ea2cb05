"""The Reader: an encoder with a span head, and how its answers are found; `batch`, `layers` and `map` serve both.

Gives: `adapters`, `answers`, `batch`, `decode`, `encoders`, `fast`, `layers`, `map`, `reader`, `vocabulary`,
`windows`.
"""
