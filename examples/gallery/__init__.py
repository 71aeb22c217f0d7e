"""Pictures of real boots, drawn by the commands that stand beside them."""
