"""The commands, a module each: a command parses its options, calls one function and writes the result."""
