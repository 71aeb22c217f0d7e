"""Several boots merged into one sequence with combined fragments."""
