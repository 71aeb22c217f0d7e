"""Benchmarks: bootseq beside its peers in one run, as ratios, which ``make bench`` prints; no ratio makes it fail."""
