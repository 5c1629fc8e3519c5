"""What is run: one file a model, with its C program beside it."""
