"""A fuzzer of everything that a command reads: `make fuzz CASES=200000 SEED=1`."""
