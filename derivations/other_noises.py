"""Other noises: unequal labels, and isotropic noise on the gradient with its drift of log det K.

Run it as `python -m ouanalysis.derivations.other_noises`. Source: theory.md, section 6, "Other noises"; the contrast of
label noise with isotropic noise is that of HaoChen et al. 2021 (arXiv:2006.08680), the limit for any noise that of Li,
Wang, Arora 2022 (arXiv:2110.06914).

h is any smooth model. Products of matrices are products of symbols that do not commute and so hold for all sizes. What
needs the determinant takes n = 2 data and p = 3 parameters, and the drift that is no gradient a model of four.
"""

from itertools import combinations_with_replacement

import numpy as np
import sympy
from sympy import Derivative, KroneckerDelta, MatMul, Rational, Sum

from ouanalysis import symbolic
from ouanalysis.settings import Setting

from .derivation import Derivation, main
from .local_ou import averaged, carried_out, entrywise, general_jacobian, named, summand, without_delta

__all__ = ["derive"]

n, B, a, b, i, j, m, T = sympy.symbols("n B a b i j m T", integer=True, positive=True)
eta, sigma, s, k, lam, beta, c = sympy.symbols("eta sigma s k lambda beta c", positive=True)
sigma_1, sigma_2 = sympy.symbols("sigma_1 sigma_2", positive=True)
eps = sympy.Symbol("epsilon", real=True)
J, Q, deviation = (sympy.IndexedBase(name) for name in ("J", "Q", "sigma"))
E = sympy.Function("E")

# Matrices of any size, and what a product of them may be replaced by. D is diag(σ_i²), N the projector along M.
JT, Jac, K, D, N, G = sympy.symbols("J^T J K D N G", commutative=False)
GRAM = {Jac * JT: K}
P, H = JT * K**-1 * Jac, 2 * JT * Jac / n
strength = eta * s**2 * n / 4
isotropic_covariance = strength * JT * K**-2 * Jac

# Of the model whose drift is no gradient: its parameters, and M.
PLACE = u, v, at_a, at_c = sympy.symbols("u v a c", real=True)
ON_M = {u: 0, v: 0}


def derive() -> Derivation:
    """From a step with any of the noises to its covariance and its drift."""
    steps = Derivation(
        "Other noises: what each noise's covariance is, and where it drifts",
        "theory.md, section 6; HaoChen et al. 2021 (arXiv:2006.08680); Li, Wang, Arora 2022 (arXiv:2110.06914)",
    )
    source(steps)
    isotropic(steps)
    walk_along_m(steps)
    volume_drift(steps)
    equal_noise(steps)
    no_gradient(steps)
    equalities(steps)
    return steps


def source(steps: Derivation) -> None:
    """What a step adds to the second moment of δ, and to that of J δ."""
    each = 4 * eta**2 / n * Sum(deviation[i] ** 2 * J[i, a] * J[i, b], (i, 1, n))
    steps.identity(
        "Label noise of a standard deviation σ_i for each datum. On M a step on the datum i moves θ by 2ηε g_i, with "
        "E ε = 0 and E ε² = σ_i² (see local_ou). The covariance of that kick, over the drawn datum and over ε",
        Sum(E((2 * eta * eps * J[i, a]) * (2 * eta * eps * J[i, b])), (i, 1, n)) / n,
        each,
        reduce=lambda difference: averaged(summand(difference), {eps: deviation[i] ** 2}),
    )
    kick = sympy.Symbol("C", commutative=False)
    steps.identity(
        "Call it C. A batch takes the mean over B independent draws, of which two have the covariance C if they are "
        "the same draw, else 0: it is 4η²/(nB) Σ_i σ_i² g_i g_iᵀ",
        Sum(KroneckerDelta(a, b) * kick / B**2, (a, 1, B), (b, 1, B)),
        kick / B,
        reduce=lambda difference: sympy.expand(difference.replace(Sum, without_delta)),
    )
    noises = sympy.symbols("epsilon_1 epsilon_2")
    mean_a, mean_b = (sum(2 * eta * noises[row - 1] * J[row, col] for row in (1, 2)) / 2 for col in (a, b))
    steps.identity(
        "A full batch takes every datum once, each with a noise of its own, so there B stands for n. At n = 2",
        E(sympy.Mul(mean_a, mean_b, evaluate=False)),
        4 * eta**2 / (2 * 2) * (sigma_1**2 * J[1, a] * J[1, b] + sigma_2**2 * J[2, a] * J[2, b]),
        reduce=lambda difference: averaged(difference, {noises[0]: sigma_1**2, noises[1]: sigma_2**2}),
    )
    jacobian = general_jacobian()
    rows = [jacobian.row(0), jacobian.row(1)]
    steps.identity(
        "As matrices Σ_i σ_i² g_i g_iᵀ = Jᵀ D J, with D = diag(σ_i²). For n = 2 data and p = 3 parameters",
        sigma_1**2 * rows[0].T * rows[0] + sigma_2**2 * rows[1].T * rows[1],
        MatMul(jacobian.T, sympy.diag(sigma_1**2, sigma_2**2), jacobian, evaluate=False),
    )
    steps.identity(
        "In function space, for the predictions Jδ with K = J Jᵀ, a step adds G = (4η²/(nB)) K D K",
        Jac * (4 * eta**2 / (n * B) * JT * D * Jac) * JT,
        4 * eta**2 / (n * B) * K * D * K,
        reduce=lambda difference: named(difference, GRAM),
    )
    units = sympy.symbols("omega_1 omega_2")
    moved = [-eta * s * unit for unit in units]
    steps.identity(
        "Isotropic noise on the gradient, θ ← θ − η(∇ + sω), where ω has independent entries of mean 0 and variance 1. "
        "Its kick, of which two entries are shown, has the covariance η²s² I",
        sympy.Matrix(2, 2, lambda row, col: E(moved[row] * moved[col])),
        eta**2 * s**2 * sympy.eye(2),
        reduce=lambda entry: averaged(entry, dict.fromkeys(units, 1)),
    )
    steps.identity(
        "In function space a step with it adds G = η²s² K",
        Jac * (eta**2 * s**2) * JT,
        eta**2 * s**2 * K,
        reduce=lambda difference: named(difference, GRAM),
    )
    steps.identity(
        "With N = I − P the projector along M, label noise does not move θ along M, whatever its σ_i",
        (1 - P) * (4 * eta**2 / (n * B) * JT * D * Jac),
        sympy.S.Zero,
        reduce=lambda difference: named(difference, GRAM),
    )
    steps.identity(
        "Isotropic noise does, but what it adds has no part between the row space and M",
        P * (eta**2 * s**2) * (1 - P),
        sympy.S.Zero,
        reduce=lambda difference: named(difference, GRAM),
        argument="The gradient of the loss lies in the row space, so from δ = 0 that part of E δδᵀ stays 0.",
    )


def isotropic(steps: Derivation) -> None:
    """The covariance of isotropic noise in the row space, to leading order and mode by mode."""
    steps.identity(
        "Isotropic noise in the row space of J. It adds η²s² P in a step, which takes the time η. The covariance Σ = "
        "(ηs²n/4) Jᵀ K⁻² J makes HΣ + ΣH = ηs² P, where H = (2/n) JᵀJ and P = Jᵀ K⁻¹ J: it is stationary to leading "
        "order in η",
        H * isotropic_covariance + isotropic_covariance * H,
        eta * s**2 * P,
        reduce=lambda difference: named(difference, GRAM),
        argument="It is the only solution whose range is in the row space of J (see local_ou).",
    )
    steps.identity(
        "Its range is in the row space",
        P * isotropic_covariance,
        isotropic_covariance,
        reduce=lambda difference: named(difference, GRAM),
    )
    steps.identity(
        "In function space it is S = (ηs²n/4) I: all predictions fluctuate alike, whatever the model. So the noise "
        "floor E L = tr(S)/n is ηs²n/4, and does not measure reg",
        Jac * isotropic_covariance * JT,
        strength,
        reduce=lambda difference: named(difference, GRAM),
    )
    x, w, variance = sympy.symbols("x omega c")
    after = (1 - eta * lam) ** 2 * variance + eta**2 * s**2
    steps.identity(
        "Finite steps, full batch. In a mode of H with the eigenvalue λ, x moves by −ηλx − ηsω. Its variance c becomes",
        E((x - eta * lam * x - eta * s * w) ** 2),
        after,
        reduce=lambda difference: averaged(difference, {x: variance, w: 1}),
    )
    stationary = eta * s**2 / (lam * (2 - eta * lam))
    steps.identity(
        "Its stationary value is ηs²/(λ(2 − ηλ)), exact at every stable η: put in for c, it comes out again",
        after.subs(variance, stationary),
        stationary,
    )
    steps.identity(
        "For η → 0 that is the Σ above: an eigenvalue k of K makes λ = 2k/n one of H, and Jᵀ K⁻² J has 1/k in that "
        "mode",
        sympy.Limit(stationary.subs(lam, 2 * k / n) / eta, eta, 0),
        strength / (eta * k),
        reduce=carried_out,
    )
    one = (1 - 2 * eta * k) ** 2 * variance + eta**2 * s**2
    datum = eta * s**2 / (4 * k * (1 - eta * k))
    steps.identity(
        "One datum, n = 1, is every batch: with k = ‖g‖² and λ = 2k the variance along g is ηs²/(4k(1 − ηk)): put "
        "in for c, it comes out again",
        one.subs(variance, datum),
        datum,
    )


def walk_along_m(steps: Derivation) -> None:
    """Along M nothing holds θ back: the variance grows with the steps, and faster with momentum."""
    z, w, variance = sympy.symbols("z omega c")
    steps.identity(
        "Along M, where H is 0, z moves by −ηsω alone. Its variance c becomes",
        E((z - eta * s * w) ** 2),
        variance + eta**2 * s**2,
        reduce=lambda difference: averaged(difference, {z: variance, w: 1}),
    )
    steps.identity(
        "So over T steps, from c = 0, isotropic noise walks along M with the covariance η²s²T N",
        Sum(eta**2 * s**2, (m, 1, T)),
        eta**2 * s**2 * T,
        reduce=carried_out,
    )
    weight = sympy.Function("m")
    closed = (1 - beta**k) / (1 - beta)
    steps.identity(
        "With momentum, v ← βv − ∇ and θ ← θ + ηv, a kick to v has moved θ by ηβ^k more after one step more. The sum "
        "of 1, β, …, β^{k − 1} is m(k) = (1 − β^k)/(1 − β)",
        weight(k + 1) - weight(k),
        beta**k,
        reduce=lambda difference: sympy.simplify(
            difference.subs({weight(k): closed, weight(k + 1): closed.subs(k, k + 1)})
        ),
        argument="By induction over k: m(0) = 0, and this is the step from k to k + 1.",
    )
    velocity = place = sympy.S.Zero
    units = sympy.symbols("omega_1:4")
    for unit in units:
        velocity = beta * velocity - s * unit
        place += eta * velocity
    steps.identity(
        "The kicks are independent, and the one of k steps ago has the weight m(k): the walk along M has the variance "
        "η²s² Σ_k ((1 − β^k)/(1 − β))², k = 1, …, T. Step by step for T = 3",
        E(place**2),
        eta**2 * s**2 * Sum(((1 - beta**m) / (1 - beta)) ** 2, (m, 1, 3)),
        reduce=lambda difference: carried_out(averaged(difference, dict.fromkeys(units, 1))),
    )


def volume_drift(steps: Derivation) -> None:
    """The drift of isotropic noise is descent on log det K along M."""
    e = sympy.Symbol("e_i", commutative=False)
    steps.identity(
        "The drift of a step is −(2η/n) N Σ_i ∇²h_i Σ g_i (see regularizer_drift), for any noise whose Σ has no part "
        "between M and the row space. Write G for ∇²h_i and g_i = Jᵀ e_i. With the Σ of isotropic noise one datum adds "
        "this, where Jᵀ K⁻¹ e_i = Σ_j (K⁻¹)_ij g_j",
        -2 * eta / n * N * G * isotropic_covariance * JT * e,
        -(eta**2) * s**2 / 2 * N * G * JT * K**-1 * e,
        reduce=lambda difference: named(difference, GRAM),
    )
    steps.identity(
        "The walk along M, of the covariance c N, adds nothing to it, since N g_i = 0",
        -2 * eta / n * N * G * (c * (1 - P)) * JT * e,
        sympy.S.Zero,
        reduce=lambda difference: named(difference, GRAM),
    )
    theta_a, theta_c = sympy.symbols("theta_a theta_c", real=True)
    col = sympy.Symbol("c", integer=True, positive=True)
    models = {row: sympy.Function("h")(row, theta_a, theta_c) for row in (i, j)}
    names = {model.diff(theta_a): J[row, a] for row, model in models.items()}
    names |= {model.diff(theta_a, theta_c): Q[row, a, col] for row, model in models.items()}
    steps.identity(
        "K_ij = Σ_a J_ia J_ja. With J_ia = ∂h_i/∂θ_a and Q_iac its derivative by θ_c, the term of one a changes along "
        "θ_c as on the right: ∇K_ij = ∇²h_i g_j + ∇²h_j g_i",
        Derivative(models[i].diff(theta_a) * models[j].diff(theta_a), theta_c),
        Q[i, a, col] * J[j, a] + J[i, a] * Q[j, a, col],
        reduce=lambda difference: sympy.expand(difference.doit().xreplace(names)),
    )
    k_11, k_12, k_22 = (sympy.Function(f"k_{pair}")(theta_c) for pair in (11, 12, 22))
    gram = sympy.Matrix([[k_11, k_12], [k_12, k_22]])
    steps.identity(
        "Jacobi's formula, ∂ log det K = tr(K⁻¹ ∂K). For two data, whose K has the entries k_11, k_12 and k_22; on the "
        "right the first of the two matrices, over det K, is K⁻¹",
        Derivative(sympy.log(gram.det()), theta_c),
        sympy.Trace(MatMul(gram.adjugate(), gram.diff(theta_c), evaluate=False)) / gram.det(),
        reduce=carried_out,
        argument="For more data it is the same formula, as the cofactors of K over its determinant are the entries of "
        "K⁻¹.",
    )
    left, right, values = two_data()
    steps.identity(
        "K⁻¹ is symmetric, so both terms of ∇K_ij add the same and ∇ log det K = 2 Σ_ij (K⁻¹)_ij ∇²h_i g_j. The drift "
        "of isotropic noise is −(η²s²/4) N∇ log det K in each step: descent along M on the volume that the gradients "
        "span. For h_1, h_2, any two functions of three parameters: G_i is ∇²h_i, κ_ij an entry of K⁻¹, and D the "
        "gradient of log det K. N is left out on both sides",
        left,
        right,
        reduce=lambda difference: entrywise(difference.subs(values)),
    )


def two_data() -> tuple[sympy.MatrixExpr, sympy.MatrixExpr, dict[sympy.Basic, sympy.Basic]]:
    """−(η²s²/2) Σ_ij κ_ij G_i g_j and −(η²s²/4) D, with what the symbols are for two functions of three parameters."""
    parameters, jacobian = sympy.symbols("theta_1:4"), general_jacobian()
    models = [sympy.Function(f"h_{number}")(*parameters) for number in (1, 2)]
    names = {
        model.diff(theta): jacobian[row, col]
        for row, model in enumerate(models)
        for col, theta in enumerate(parameters)
    }
    names |= {
        model.diff(*pair): sympy.Dummy("Q") for model in models for pair in combinations_with_replacement(parameters, 2)
    }
    derivatives = sympy.Matrix(models).jacobian(parameters)
    volume = (derivatives * derivatives.T).det()
    inverse = (jacobian * jacobian.T).inv()
    hessians = [sympy.MatrixSymbol(f"G_{number}", 3, 3) for number in (1, 2)]
    gradients = [sympy.MatrixSymbol(f"g_{number}", 3, 1) for number in (1, 2)]
    log_volume = sympy.MatrixSymbol("D", 3, 1)
    entries = {(row, col): sympy.Symbol(f"kappa_{row + 1}{col + 1}") for row in (0, 1) for col in (0, 1)}
    values = {log_volume: sympy.Matrix([sympy.log(volume).diff(theta).xreplace(names) for theta in parameters])}
    values |= {entries[place]: inverse[place] for place in entries}
    for row, model in enumerate(models):
        values[hessians[row]] = sympy.hessian(model, parameters).xreplace(names)
        values[gradients[row]] = jacobian.row(row).T
    drift = sympy.Add(*(entries[row, col] * hessians[row] * gradients[col] for row, col in entries))
    return -(eta**2) * s**2 / 2 * drift, -(eta**2) * s**2 / 4 * log_volume, values


def equal_noise(steps: Derivation) -> None:
    """Label noise of equal σ is alone in having an isotropic covariance whatever K is."""
    source = 4 * eta / (n * B) * JT * D * Jac
    steps.identity(
        "Which noise has a covariance c P, the same in every direction of the row space? For label noise it solves HΣ "
        "+ ΣH = (4η/(nB)) Jᵀ D J. With c P for Σ the two sides differ by, seen from function space",
        Jac * (H * (c * P) + (c * P) * H - source) * JT,
        4 / n * K * (c - eta / B * D) * K,
        reduce=lambda difference: named(difference, GRAM),
        argument="J has rank n and K is invertible, so this is 0 if and only if D = (cB/η) I: all σ_i are equal, σ_i² "
        "= σ² and c = ησ²/B. Then K does not matter.",
    )
    steps.identity(
        "For isotropic noise Σ Jᵀ and c P Jᵀ = c Jᵀ differ by, seen from function space",
        Jac * (isotropic_covariance * JT - c * JT),
        strength - c * K,
        reduce=lambda difference: named(difference, GRAM),
        argument="It is 0 if and only if K is (ηs²n/(4c)) I: its covariance is isotropic for those models alone whose "
        "gradients are orthogonal and of one length.",
    )


def no_gradient(steps: Derivation) -> None:
    """h = u(a(1 − x) + c x) + v x at x = 0, 1: unequal σ_i drift along M by no gradient."""
    loss, jacobian, _ = bilinear()
    on_m = jacobian.subs(ON_M)
    size = at_a**2 + at_c**2 + 1
    gram = sympy.Matrix([[at_a**2, at_a * at_c], [at_a * at_c, at_c**2 + 1]])
    steps.identity(
        "A drift that is no gradient: h = u(a(1 − x) + c x) + v x with the labels 0 at x = 0 and x = 1. M is u = v = "
        "0, flat, with a ≠ 0 and c for coordinates. There K = J Jᵀ is",
        MatMul(on_m, on_m.T, evaluate=False),
        gram,
    )
    more = at_a**2 / size * sympy.Matrix([[at_a**2 + 1, at_a * at_c], [at_a * at_c, at_c**2]])
    S = eta / B * (sigma_2**2 * gram + (sigma_1**2 - sigma_2**2) * more)
    covariance = (on_m.T * gram.inv() * S * gram.inv() * on_m).applyfunc(sympy.factor)
    matrices = [sympy.MatrixSymbol(name, 4, 4) for name in ("H", "Sigma")]
    kick, noise = sympy.MatrixSymbol("J", 2, 4), sympy.MatrixSymbol("D", 2, 2)
    values = dict(zip(matrices, (symbolic.ou.drift_matrix(on_m), covariance), strict=True))
    values |= {kick: on_m, noise: sympy.diag(sigma_1**2, sigma_2**2)}
    steps.identity(
        "Σ = Jᵀ K⁻¹ S K⁻¹ J with S = (η/B)(σ_2² K + (σ_1² − σ_2²) U) and U = (a²/(a² + c² + 1)) (a² + 1, a c; a c, c²) "
        "is the covariance of label noise of σ_1 and σ_2: with the drift_matrix(J) of ouanalysis.symbolic.ou for H, "
        "and n = 2",
        matrices[0] * matrices[1] + matrices[1] * matrices[0],
        2 * eta / B * kick.T * noise * kick,
        reduce=lambda difference: entrywise(difference.subs(values)),
    )
    mean = at_a**2 * sigma_1**2 + at_c**2 * sigma_2**2
    along_a = -(eta**2) / B * at_a * (mean + sigma_1**2) / size
    along_c = -(eta**2) / B * at_c * (mean + sigma_2**2) / size
    steps.identity(
        "Its drift −(η/2) N∇³L[Σ], with ∇³L differentiated from the loss that ouanalysis.symbolic traces. It is along "
        "a and c alone",
        MatMul(-eta / 2, tangent(on_m), contracted(loss, covariance), evaluate=False),
        sympy.Matrix([0, 0, along_a, along_c]),
    )
    curl = eta**2 / B * (sigma_1**2 - sigma_2**2) * 2 * at_a * at_c * (size + 1) / size**2
    steps.identity(
        "Its curl along M",
        Derivative(along_a, at_c) - Derivative(along_c, at_a),
        curl,
        reduce=carried_out,
    )
    value = curl.subs({at_a: 1, at_c: 1})
    steps.claim(
        "At a = c = 1, for σ_1 ≠ σ_2: the drift of unequal noises is the gradient of nothing",
        value,
        "≠",
        0,
        holds=sympy.simplify(value - Rational(8, 9) * eta**2 / B * (sigma_1**2 - sigma_2**2)) == 0,
        argument="It is (8/9)(η²/B)(σ_1² − σ_2²). M is flat and (a, c) are its Cartesian coordinates, in which a "
        "gradient has no curl.",
    )


def bilinear() -> list[sympy.Expr | sympy.Matrix]:
    """Loss, J and ∇reg of that model, as `ouanalysis.symbolic` traces them."""
    setting = Setting(
        lambda theta, x: theta[..., 0] * (theta[..., 2] * (1 - x) + theta[..., 3] * x) + theta[..., 1] * x,
        np.array([0.0, 1.0]),
        np.zeros(2),
        4,
    )
    traced = symbolic.trace(setting)
    names = dict(zip(traced.theta, PLACE, strict=True))
    return [whole.xreplace(names) for whole in (traced.loss, traced.jacobian, traced.regularizer_gradient)]


def contracted(loss: sympy.Expr, covariance: sympy.Matrix) -> sympy.Matrix:
    """∇³L[Σ] on M."""
    hessian = sympy.hessian(loss, PLACE)
    pairs = [(row, col) for row in range(4) for col in range(4)]
    along = [sum(covariance[pair] * hessian[pair].diff(place).subs(ON_M) for pair in pairs) for place in PLACE]
    return sympy.Matrix(along).applyfunc(sympy.factor)


def tangent(jacobian: sympy.Matrix) -> sympy.Matrix:
    """N = I − P, with P the stationary_covariance of unit strength."""
    return (sympy.eye(4) - symbolic.ou.stationary_covariance(jacobian, lr=1, noise_std=1)).applyfunc(sympy.factor)


def equalities(steps: Derivation) -> None:
    """Against the functions of `ouanalysis.symbolic`, for any J of two data and on the model above."""
    jacobian = general_jacobian()
    gram = jacobian * jacobian.T
    kick, noise = sympy.MatrixSymbol("J", 2, 3), sympy.MatrixSymbol("D", 2, 2)
    H_matrix, C_matrix, P_matrix, covariance = (sympy.MatrixSymbol(name, 3, 3) for name in ("H", "C", "P", "Sigma"))
    values = {
        kick: jacobian,
        noise: sympy.diag(sigma**2, sigma**2),
        H_matrix: symbolic.ou.drift_matrix(jacobian),
        C_matrix: symbolic.ou.diffusion_matrix(jacobian, noise_std=sigma),
        P_matrix: symbolic.ou.stationary_covariance(jacobian, lr=1, noise_std=1),
        covariance: eta * s**2 / 2 * jacobian.T * gram.adjugate() ** 2 * jacobian / sympy.expand(gram.det()) ** 2,
    }
    for statement, left, right in (
        (
            "of equal σ the source of a step, (4η²/(nB)) Jᵀ D J, is (η²/B) times its diffusion_matrix(J)",
            2 * eta**2 / B * kick.T * noise * kick,
            eta**2 / B * C_matrix,
        ),
        (
            "with its drift_matrix(J) for H, and for P its stationary_covariance(J) of unit strength, the Σ of "
            "isotropic noise is stationary",
            H_matrix * covariance + covariance * H_matrix,
            eta * s**2 * P_matrix,
        ),
    ):
        steps.identity(
            f"Equality with ouanalysis.symbolic.ou, for a J of 2 × 3 symbols: {statement}",
            left,
            right,
            reduce=lambda difference: entrywise(difference.subs(values)),
        )

    loss, jacobian, reg_gradient = bilinear()
    on_m = jacobian.subs(ON_M)
    equal = symbolic.ou.stationary_covariance(on_m, lr=eta, noise_std=sigma, batch_size=B)
    steps.identity(
        "Equality with ouanalysis.symbolic, on the model above. With the stationary_covariance of equal σ the drift "
        "−(η/2) N∇³L[Σ] is −(η²σ²/B) N∇reg, with the regularizer_gradient: both a and c shrink",
        MatMul(-eta / 2, tangent(on_m), contracted(loss, equal), evaluate=False),
        MatMul(-(eta**2) * sigma**2 / B, tangent(on_m), reg_gradient.subs(ON_M), evaluate=False),
    )
    gram = on_m * on_m.T
    free = (eta * s**2 / 2 * on_m.T * gram.inv() ** 2 * on_m).applyfunc(sympy.factor)
    log_volume = sympy.Matrix([sympy.log((jacobian * jacobian.T).det()).diff(place) for place in PLACE]).subs(ON_M)
    steps.identity(
        "Equality with ouanalysis.symbolic, on the model above. With the Σ of isotropic noise the drift is −(η²s²/4) "
        "N∇ log det K, with K = J Jᵀ of the traced jacobian: a shrinks and c does not. The two regularizers are not "
        "the same",
        MatMul(-eta / 2, tangent(on_m), contracted(loss, free), evaluate=False),
        MatMul(-(eta**2) * s**2 / 4, tangent(on_m), log_volume.applyfunc(sympy.cancel), evaluate=False),
    )


if __name__ == "__main__":
    main(derive)
