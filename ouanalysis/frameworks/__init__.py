"""The user's own network: what PyTorch differentiates, of which the rest of the package knows nothing.

torch_model     a module as a function h(theta, x) of NumPy arrays, its backward pass
torch_checks    what a module must be
torch_products  the products of its derivatives
per_datum       the gradient of one datum at a time, for what has no structure that is known
ghost           norms and inner products of the gradients of a datum that are never formed
"""
