"""Tables of results: the transfer matrix and those of the paper, as numbers and as text.

Gives: `baselines`, `comparisons`, `grid`, `markup`, `matrix_text`, `paper_tables`, `paper_text`, `sheet`,
`spread`, `trials_sheet`.
"""
