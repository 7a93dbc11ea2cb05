"""Data sets: what one is (`schema`), the named ones (`cards`, `fetch`, `mini`), files (`formats`), their faults.

Also their languages, parts and numbers, and writing them. What a DATA word means is `polyspan.reading`'s.

Gives: `cache`, `cards`, `check`, `fetch`, `formats`, `guess`, `languages`, `licences`, `mini`, `push`,
`sample`, `schema`, `split`, `stats`, `write`. Its own: `dataset_card`.
"""
