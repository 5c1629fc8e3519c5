"""The letters of the claims' formulas, as docs/theory.md has them; matrices do not commute."""

from sympy import Function, IndexedBase, Symbol, symbols

eta, sigma, beta, lam, w, y, t, s = symbols("eta sigma beta lambda w y t s", positive=True)
n, m, d, B, T, k = symbols("n m d B T k", integer=True, positive=True)
i, j = symbols("i j", integer=True)
reg, loss, least, eta_max = map(Symbol, (r"\operatorname{reg}", "L", r"\operatorname{reg}_{\min}", r"\eta_{\max}"))
a, b, c, x, z, u, v, q, kinks = map(IndexedBase, ("a", "b", "c", "x", "z", "u", "v", "q", r"\kappa"))
C, H, K, M, N, P, Q, R, S, U, V, W, X, Y, Lambda, Sigma, identity = symbols(
    "C H K M N P Q R S U V W X Y Lambda Sigma I", commutative=False
)
JT, UT, VT = symbols(r"J^\top U^\top V^\top", commutative=False)
gradient, hessian, third = symbols(r"\nabla\operatorname{reg} {\nabla^2}L {\nabla^3}L[\Sigma]", commutative=False)
multipliers, residual, moved, planted = symbols(r"\mu h-y N\Delta\theta X_{\ast}", commutative=False)
g = Symbol("g")
x_norm, phi_value = symbols(r"\|x\| \varphi", positive=True)


def _named(name: str, latex: str) -> type[Function]:
    """A function that LaTeX shows as `latex`, in which {} is the argument."""

    def shown(self, printer, exp=None):
        arguments = ", ".join(printer._print(one) for one in self.args)
        return latex.replace("{}", arguments) + (f"^{{{exp}}}" if exp else "")

    return type(name, (Function,), {"_latex": shown})


def _operator(name: str, latex: str) -> type[Function]:
    return _named(name, rf"{latex}\left({{}}\right)")


mean, trace, radius = (
    _operator("mean", r"\mathbb{E}"),
    _operator("trace", r"\operatorname{tr}"),
    _operator("radius", r"\rho"),
)
matrix_exponential = _named("exp", "e^{{}}")
phi, slope, theta = _operator("phi", r"\varphi"), _operator("slope", r"\varphi'"), _operator("theta", r"\theta")
norm, positive = _named("norm", r"\left\|{}\right\|"), _named("positive", r"\mathbf{1}_{{} > 0}")
nuclear, inverse = _named("nuclear", r"\left\|{}\right\|_*"), _operator("inverse", r"\varphi^{-1}")
