"""Distance of a sample from its prediction in standard errors."""

import numpy as np


def z_of_mean(sample, expected):
    """|mean − expected| in standard errors of the mean, along axis 0."""
    return np.abs(np.mean(sample, axis=0) - expected) / (np.std(sample, axis=0, ddof=1) / np.sqrt(len(sample)))
