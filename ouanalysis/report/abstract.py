"""The paper's abstract, sentence by sentence, each with the claims that check it."""

from collections.abc import Mapping
from typing import Any

from .markup import Markup, anchor, element, joined, link
from .prose import prose

__all__ = ["SENTENCES", "section"]

SENTENCES: tuple[tuple[str, tuple[str, ...]], ...] = (
    (
        "We consider networks, trained via stochastic gradient descent to minimize ℓ2 loss, with the training labels "
        "perturbed by independent noise at each iteration.",
        ("isotropic-covariance", "variances-in-time", "exact-law-at-a-finite-step", "stability-limit"),
    ),
    (
        "We characterize the behavior of the training dynamics near any parameter vector that achieves zero training "
        "error, in terms of an implicit regularization term corresponding to the sum over the data points, of the "
        "squared ℓ2 norm of the gradient of the model with respect to the parameter vector, evaluated at each data "
        "point.",
        (
            "regularizer-is-half-the-trace-of-the-hessian",
            "noise-floor",
            "mean-residual",
            "drift-through-its-transient",
            "drift-scales-with-the-noise",
            "no-drift-without-label-noise",
            "remainder-of-the-drift",
            "one-flow-for-all-steps-noises-and-batches",
            "noise-leaves-what-is-not-least",
            "theorem",
        ),
    ),
    (
        "This holds for networks of any connectivity, width, depth, and choice of activation function.",
        (
            "regularizer-is-half-the-trace-of-the-hessian",
            "noise-floor-of-any-network",
            "drift-of-any-network",
            "flow-of-any-network",
        ),
    ),
    (
        "We interpret this implicit regularization term for three simple settings: matrix sensing, two layer ReLU "
        "networks trained on one-dimensional data, and two layer networks with sigmoid activations trained on a "
        "single datum.",
        (
            "regularizer-of-matrix-sensing",
            "regularizer-of-a-relu-network",
            "regularizer-of-a-sigmoid-network",
            "nuclear-norm",
            "semidefinite-program",
            "cone-program",
            "one-tanh-neuron-is-best",
            "logistic-neurons-share-a-small-label",
        ),
    ),
    (
        "For these settings, we show why this new and general implicit regularization effect drives the networks "
        "towards “simple” models.",
        (
            "label-noise-finds-the-simplest-matrix",
            "recovery",
            "fewest-changes-of-convexity",
            "label-noise-finds-the-simplest-function",
            "tanh-neurons-take-one-value",
            "logistic-neurons-take-two-values-at-most",
        ),
    ),
)


def section(ledger: Mapping[str, Any]) -> Markup:
    """Each sentence with links to its rows, and how many of them hold."""
    rows = {row["id"]: row for row in ledger["claims"]}
    return element(
        "section",
        element("h2", "The abstract, sentence by sentence", id="abstract"),
        element(
            "p",
            "Blanc, Gupta, Valiant and Valiant, ",
            element(
                "cite", "Implicit regularization for deep neural networks driven by an Ornstein-Uhlenbeck like process"
            ),
            ", 2020 (",
            element("a", "arXiv:1904.09080", href="https://arxiv.org/abs/1904.09080"),
            "), and under each sentence the rows that check it.",
        ),
        element("ol", *(_sentence(text, ids, rows) for text, ids in SENTENCES), class_="abstract"),
    )


def _sentence(text, ids, rows):
    checks = [
        element("li", link(anchor("claim", name), prose(rows[name]["statement"])), _mark(rows[name])) for name in ids
    ]
    return element("li", element("blockquote", element("p", text)), element("ul", *checks))


def _mark(row):
    return joined([" ", element("strong", "failed", class_="failed")]) if row["failed"] else Markup("")
