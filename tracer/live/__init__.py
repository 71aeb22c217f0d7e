"""A running cloud: the stacks of its services, what each waits for, and who owes the next step."""
