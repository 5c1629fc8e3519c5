"""Who runs it: one file a peer, with ``prepare(case) -> run``.

``run(steps, seed)`` takes the steps, noise included, and returns the last states (chains, p).
"""
