"""What finished stages say, gathered into one report."""
