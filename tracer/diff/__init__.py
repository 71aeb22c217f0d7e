"""What changed between two boots, or between what two releases' boots have in common."""
