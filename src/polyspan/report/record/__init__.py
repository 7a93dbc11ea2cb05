"""`report.json` as typed records.

Gives: `paper_record`, `record`. Its own: `kinds`.
"""
