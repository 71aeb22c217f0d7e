"""The fleet's measurements: a seeded generator of boots, planted faults, real boots, and the store under fire."""
