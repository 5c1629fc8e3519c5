"""Each derivation runs and says where it ends."""

import subprocess
import sys


def test_matrix_sensing_ends_in_the_closed_form():
    script = [sys.executable, "-m", "ouanalysis.derivations.matrix_sensing"]
    printed = subprocess.run(script, capture_output=True, text=True, check=True).stdout
    assert "5. equal to ouanalysis.symbolic.matrix_sensing.expected_regularizer(d, r)" in printed
    assert "2*(d + 1)*KroneckerDelta(a, b)" in printed
