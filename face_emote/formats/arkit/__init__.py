"""ARKit curves: Live Link Face `.csv` and plain `.json`."""
