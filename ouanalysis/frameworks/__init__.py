"""Models of other libraries: what differentiates them, in NumPy on both ends; each library is imported when used.

torch_model     a module as a function h(theta, x) of NumPy arrays, its backward pass
torch_formulas  functions of PyTorch whose own derivatives are wrong or missing
torch_checks    what a module must be
torch_products  the products of its derivatives
per_datum       the gradient of one datum at a time, for what has no structure that is known
ghost           norms and inner products of the gradients of a datum that are never formed

jax_library      JAX itself, imported when used, in 64 bits
jax_model        a function of JAX as a model of a flat θ, in float64
jax_programs     its derivatives on a block of data, compiled
jaxprs           what is read off a program that JAX traced
jax_layers       its layers, whose gradients are products of two factors
jax_norms        norms and factors of the gradients of a datum, those of layers never formed
jax_products     the products that the numeric rooms ask for, block after block
jax_checks       what is refused, in one line

by_value            what makes two models equal, and two settings
derivative_check    whether a library's derivatives are those of the values, for both
refusals            what else the checks of both libraries share
"""
