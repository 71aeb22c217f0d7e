"""The comparison of two trees of normal steps: pairs and changes."""
