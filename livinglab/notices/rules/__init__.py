"""What is told of an event, and to whom. Pure."""
