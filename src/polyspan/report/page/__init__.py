"""The page: one HTML file that needs nothing from anywhere.

Gives: `page`. Its own: `charts`, `examples`, `paper_page`, `spans`.
"""
