"""The page: one HTML file that needs nothing from anywhere."""
