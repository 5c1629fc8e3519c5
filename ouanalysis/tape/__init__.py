"""What a function does to arrays, written down once by autograd's own tracer, and done again without it.

entries       the tape: the operations of a function and of autograd's reverse pass; `composites` are taken apart
calls         what autograd calls a sum, an index, an addition
replay        a tape as a straight line of NumPy calls
repeated      a function of arrays that is traced once for each shape
"""
