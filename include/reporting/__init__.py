"""Reports: built from domain values, exported as text, JSON and CSV."""
