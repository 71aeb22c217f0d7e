"""A real all-in-one OpenStack cloud on this machine, from nothing, and down again."""
