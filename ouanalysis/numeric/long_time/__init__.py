"""Where noise leads over O(1/η²) steps: the flow of reg along the zero-error set, and whether a point is stable."""
