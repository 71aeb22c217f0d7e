"""The words of steps, boots and merged boots, the same in every format."""
