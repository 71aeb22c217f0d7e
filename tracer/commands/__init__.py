"""The commands, a module each: a command parses, calls one function, and writes what that gives."""
