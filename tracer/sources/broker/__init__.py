"""Message copies as events: the reader, message bodies, and the participants that sent them."""
