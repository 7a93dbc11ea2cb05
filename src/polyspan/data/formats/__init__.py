"""Files of every format as parsed paragraphs and faults: one format a file, `parse` chooses among them.

Gives: `decoding`, `format`, `json_stream`, `options`, `parse`, `parsed`, `rows`, `squad`. Its own: `archive`,
`cells`, `delimited`, `documents`, `doubles`, `json_document`, `json_lines`, `parquet`, `plain_text`, `printed`.
"""
