"""`report.json` as typed records."""
