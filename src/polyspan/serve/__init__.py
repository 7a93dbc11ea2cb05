"""Answers over HTTP: what is asked and answered, requests computed together, limits, the server and its page.

Its own: `limits`.
"""
