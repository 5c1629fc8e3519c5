"""Steps of label-noise SGD side by side with what else one would write: ``make bench``, never part of the tests.

A case is a model and its data (`cases/`, with the C program of the same name), a peer another way to take its steps
(`peers/`). Each peer runs in a process of its own; the processes take turns, so that all see the same machine.
"""
