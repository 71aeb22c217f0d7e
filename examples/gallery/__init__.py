"""Pictures of real boots, drawn by the commands beside them."""
