"""Each of the products that `ouanalysis.settings.products` names, of one setting, at the same random arguments."""

import numpy as np

__all__ = ["assert_alike", "every_product"]

DIGITS = 1e-10  # relative: what two libraries' sums of some hundred terms, in other orders, leave far behind


def every_product(products, theta, rows):
    """A dict by name: at three θ what takes several, at one the rest."""
    rng = np.random.default_rng(2)
    points = np.stack([theta, 0.9 * theta, 1.1 * theta + 0.1])
    vectors, weights = rng.normal(size=(rows, theta.size)), rng.normal(size=rows)
    return {
        "predictions": products.predictions(points),
        "jacobian": products.jacobian(points),
        "gram": products.gram(points),
        "squared_norms": products.squared_norms(points),
        "squared_norms_gradient": products.squared_norms_gradient(points),
        "forward": products.forward(theta, vectors[0]),
        "backward": products.backward(theta, weights),
        "hessian_products": products.hessian_products(theta, vectors),
        "data_hessian_products": products.data_hessian_products(theta, vectors[0]),
        "lagrangian_hessian_products": products.lagrangian_hessian_products(theta, weights, vectors[:5]),
    }


def assert_alike(got, wanted, digits=DIGITS):
    """None of them 0, so that no product that is left out passes."""
    for product, value in wanted.items():
        assert got[product].dtype == np.float64, product
        assert np.any(value), product
        np.testing.assert_allclose(
            got[product], value, rtol=0, atol=digits * np.max(np.abs(value)), err_msg=product, strict=True
        )
