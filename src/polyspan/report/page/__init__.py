"""The page: one HTML file that needs nothing from anywhere.

Gives: `page`. Its own: `charts`, `confidence_page`, `examples`, `paper_page`, `spans`.
"""
