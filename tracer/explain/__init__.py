"""Explanations: why a request failed, where its time went, and what is missing to say more. Pure: values to values."""
