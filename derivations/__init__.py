"""The arguments: one script a result, numbered steps from h to the closed form, each asserted."""
