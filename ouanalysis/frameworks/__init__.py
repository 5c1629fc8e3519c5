"""Models of other libraries: what differentiates them, in NumPy on both ends; each library is imported when used.

jax_model        a function of JAX as a model of a flat θ, in float64
jax_programs     its derivatives on a block of data, compiled
jax_products     the products that the numeric rooms ask for, block after block
jax_checks       what is refused, in one line
"""
