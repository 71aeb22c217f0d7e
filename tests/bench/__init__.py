"""Benchmarks: bootseq beside its peers in one run, as ratios; ``make bench`` prints them, nothing fails by them."""
