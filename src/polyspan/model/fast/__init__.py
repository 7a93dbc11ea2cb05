"""What makes training and answering faster with the same results; each file can be taken out.

Gives: `allocator`, `attention`, `attention_interface`, `dropout`, `linear`, `own_process`, `pack`, `precision`,
`used_rows`.
"""
