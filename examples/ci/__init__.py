"""A comparison of two releases: boots recorded, compared and reported; and measurements of its accuracy."""
