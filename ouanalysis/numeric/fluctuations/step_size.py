"""Step sizes of other conventions, in this one.

Source: theory.md, section 6, "Other losses".
"""

from typing import Literal

from ...arguments import count, one_of, positive_number

__all__ = ["step_size"]


def step_size(lr: float, *, loss: Literal["mean", "half", "quarter"], outputs: int = 1) -> float:
    """The η of this package, whose loss is (1/n) Σ (h_i − y_i)², that makes the same steps as `lr` on another loss.

    η = η_half/2 = η_quarter/4: a factor of the loss is one of the step.

    Parameters
    ----------
    lr : float
        Step size > 0 on that loss.
    loss : "mean", "half" or "quarter"
        (1/n) Σ (h_i − y_i)², (1/n) Σ ½(h_i − y_i)² or (1/n) Σ ¼(h_i − y_i)².
    outputs : int
        k, where that loss is the mean over the k outputs of a datum too, as PyTorch's MSELoss of labels (B, k).

    Returns
    -------
    float
        The `lr` to give to everything here.

    Raises
    ------
    ValueError
        If lr is not positive, outputs not at least 1, or the loss none of the three.

    Examples
    --------
    >>> step_size(0.1, loss="half"), step_size(0.1, loss="quarter")
    (0.05, 0.025)
    >>> step_size(0.1, loss="mean", outputs=10)
    0.01
    """
    lr = positive_number("lr", lr) / count("outputs", outputs, least=1)
    return lr * one_of("loss", loss, {"mean": 1.0, "half": 0.5, "quarter": 0.25})
