"""What is tried: one file an experiment, each with ``run(rng, size)`` giving a frozen result.

``size`` is "full" (what the committed figures show) or "quick" (the same experiment, small enough for a test).
"""
