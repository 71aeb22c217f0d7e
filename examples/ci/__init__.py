"""The story of a release diff: two releases' boots recorded, compared, reported; and how far that can be trusted."""
