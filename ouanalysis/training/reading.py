"""One reading of a `TrainingMonitor`.

Source: theory.md, section 2, "Noise floor" and "Stability", and section 3.
"""

from dataclasses import dataclass

__all__ = ["Reading"]


@dataclass(frozen=True)
class Reading:
    """What was read at a step, and what is predicted of the network that fits nearby.

    Under noise reg(θ) is not what the theory speaks of: θ is off the zero-error set, where reg is another by O(ησ²),
    growing as ever slower directions join the fluctuation. What drifts is reg at the fit.

    At θ so large, or so small, that eigenvalues of K are no floats, all but `step`, `reg`, `loss` and `lr` is NaN:
    training that diverges is read to its end.

    Attributes
    ----------
    step : int
    reg : float
        reg(θ) at θ as it is, in units of y²/θ².
    fit_reg : float
        reg at the zero-error point that `interpolate` reaches from θ, close to the nearest; NaN where none is reached,
        and beyond `exact_rows`. What follows is of that point, but for the loss, and else of θ.
    loss : float
        The clean loss on all data, in units of y².
    floor : float
        Its predicted plateau, to leading order in the step: ησ² reg/(B̃(1 − β)).
    exact_floor : float
        That of the linearised SGD, exact at every stable step; infinite past `max_stable_lr`.
    drift : float
        The predicted change of reg by a step, −(η²σ²/(B̃(1 − β)²)) ‖N∇reg‖², to leading order in the step.
    exact_drift : float
        The same of the law of `linearized_sgd`, exact at every stable step at O(σ²): that of `tangent_drift`.
    curvature : float
        λ_max(H), H = (2/n)JᵀJ.
    max_stable_lr : float
        η_max to three digits, which is at most 2(1 + β)/λ_max.
    lr : float
        η of this step, which the predictions are for.
    """

    step: int
    reg: float
    fit_reg: float
    loss: float
    floor: float
    exact_floor: float
    drift: float
    exact_drift: float
    curvature: float
    max_stable_lr: float
    lr: float
