"""The server: sockets, who may connect, and what is told of how it does."""
