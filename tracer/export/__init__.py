"""Export: requests → spans → the files and messages that other tracing tools read."""
