"""One folder a story; each runs from the root of the project."""
