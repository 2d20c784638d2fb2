"""Raw mail from outside: read with bounded time and memory, whatever is in it."""
