"""The notation of steps: the lines of outlines and baselines, written and parsed."""
