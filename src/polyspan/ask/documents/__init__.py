"""Files as documents: their text, and where each character of it stands in the file; one format a file.

Its own: `document`.
"""
