"""The one call for a setting's closed-form regularizer."""

from ..settings import Setting
from ..settings.by_file_name import module_in
from .closed_form import ClosedForm
from .tracing import trace

__all__ = ["regularizer"]


def regularizer(setting: Setting, *, progress: bool = False) -> ClosedForm:
    """reg(θ) = (1/n) Σ_i ‖∇_θ h_i‖² in closed form.

    Typed from the paper, for all sizes, where the setting's file name has a module here; else traced from h.

    Parameters
    ----------
    setting : Setting
    progress : bool
        Of a trace: take whatever time it takes, and show a progress bar.

    Returns
    -------
    ClosedForm

    Raises
    ------
    TypeError, ValueError
        If h cannot be traced, or not within 20 seconds: see `trace`.

    Examples
    --------
    >>> import ouanalysis as ou
    >>> setting = ou.SigmoidNetwork([[3.0]], [0.5], width=1)
    >>> ou.symbolic.regularizer(setting).expr
    9*c_0**2*(1 - tanh(3*W_0_0)**2)**2 + tanh(3*W_0_0)**2
    """
    typed = module_in(__package__, setting)
    if typed is not None:
        return typed.regularizer(setting)
    model = trace(setting, progress=progress)
    return ClosedForm(model.regularizer, setting.parts, {}, jacobian=model.jacobian, outputs=setting.outputs)
