import numpy as np
from hypothesis import strategies as st

import ouanalysis as ou

from .drawn_numbers import numbers


@st.composite
def settings(draw):
    x = draw(st.lists(st.integers(-64, 64), min_size=1, max_size=5, unique=True))
    return ou.ReluNetwork(np.array(x) / 32, draw(numbers(len(x))), draw(st.integers(1, 4)))


CASES = {"four data": ou.ReluNetwork([-1.0, -0.3, 0.4, 1.0], [0.3, -0.2, 0.1, 0.5], 8)}
