"""ouanalysis: label-noise SGD near zero training error.

A *Setting* is a model and the data it interpolates; everything else is a function of (setting, theta, ...).

Source: Blanc, Gupta, Valiant & Valiant, *Implicit regularization for deep neural networks driven by an
Ornstein-Uhlenbeck like process*, COLT 2020 (arXiv:1904.09080).
"""

import os

import lazy_loader

__version__ = "0.1.0"

# In a checkout the arguments stand beside the package, where setup.cfg takes them from, not inside it.
_here = os.path.dirname(__file__)
if os.path.isfile(os.path.join(os.path.dirname(_here), "derivations", "derivation.py")):
    __path__.append(os.path.dirname(_here))

# The stub says where each public name comes from; it is loaded when first used, so that importing the package is fast.
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
