"""The page: one HTML file that needs nothing from anywhere, and the same in Markdown.

Gives: `markdown_page`, `page`. Its own: `charts`, `confidence_page`, `examples`, `paper_page`, `spans`.
"""
