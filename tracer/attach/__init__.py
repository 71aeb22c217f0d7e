"""Getting the hooks into processes that run already, and out again with proof."""
