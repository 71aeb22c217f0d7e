"""What runs in Nova's own Python."""
