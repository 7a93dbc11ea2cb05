"""Files as documents: their text, and where each character of it stands in the file; one format a file.

Gives: `document`, `document_format`. Its own: `charset`, `file_text`, `markdown`, `parts`, `pdf`, `seen`,
`text_file`, `web_page`, `word_document`.
"""
