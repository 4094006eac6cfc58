"""What `boardless demo` shows: two uses on shipped data, each with a picture. `picture` draws, the others play."""
