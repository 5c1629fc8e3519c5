"""Norms and inner products of the gradients of single data, from what each layer was given and is asked to change.

The gradient by a layer's parameters is a product of both, so that of a datum need not be formed: for a dense layer
‖Σ_t b_t a_tᵀ‖² = Σ_ts ⟨a_t, a_s⟩ ⟨b_t, b_s⟩, a_t its inputs and b_t the derivatives by its outputs at the places t.

uses            which of PyTorch's functions read which parameter, seen while the user's module runs
layout          where, in what they give, the data are
plan            what of a module has such a structure, tried out; the rest is left to one gradient at a time
backward        one backward pass: the terms that each parameter's gradient is the sum of
term            what such a term can be asked for
dense, convolution, embedding, scale        the rules, a file each, and their terms
norms           squared norms and rows of the gradients that are sums of terms
factors         what K needs of a layer that has one place, or reads a table
gram            K by products of terms, or by columns of J
chain           squared norms of dense layers one after the other, in NumPy
gradients       what is asked of all parameters, those of a structure and the rest

Source: Goodfellow 2015 (arXiv:1510.01799), the norm by a dense layer; Li et al. 2022 (arXiv:2110.05679), over places.
"""
