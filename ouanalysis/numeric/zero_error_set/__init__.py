"""What holds at a θ on or near the zero-error set: derivatives, the row space of J, kinks, how to get there."""
