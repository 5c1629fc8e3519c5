"""The numbers behind the sliders are those of the network that they name, and suffice for its law."""

import json
import re

import numpy as np
import pytest

import ouanalysis as ou
from ouanalysis.report.interactive import section
from ouanalysis.report.interactive.small_network import BATCHES, WRITTEN, planted, small_network

DIGITS = 1e-10  # written to 13 digits; LAPACKs differ by rounding times K's condition of 700


@pytest.fixture(scope="module")
def written():
    return json.loads(WRITTEN.read_text())


def test_what_is_written_is_what_the_setting_gives(written):
    made = small_network()
    assert made.keys() == written.keys()
    assert made["batches"] == written["batches"] == list(BATCHES)
    for name in made.keys() - {"batches"}:
        size = np.max(np.abs(written[name]))
        np.testing.assert_allclose(made[name], written[name], rtol=0, atol=DIGITS * size, err_msg=name)


def test_the_modes_are_eigenvectors_of_the_gram_matrix(written):
    modes, squares, gram = (np.array(written[name]) for name in ("modes", "squares", "gram"))
    np.testing.assert_allclose(modes.T * squares @ modes, gram, rtol=0, atol=1e-11 * squares[0])
    assert written["reg"] == pytest.approx(np.trace(gram) / written["n"], rel=1e-11)


@pytest.mark.parametrize("batch", BATCHES)
@pytest.mark.parametrize("share", [0.05, 0.5, 0.95])
def test_the_drift_is_linear_in_the_covariance_by_what_is_written(written, batch, share):
    setting, theta = planted()
    lr = share * ou.linearized_sgd(setting, theta, lr=1e-3, noise_std=0.1, batch_size=batch).max_stable_lr
    law = ou.linearized_sgd(setting, theta, lr=lr, noise_std=0.1, batch_size=batch)
    signs = np.sign(np.sum(np.array(written["modes"]).T * law.row_space.modes, axis=0))
    moments = law.mode_covariance() * np.outer(signs, signs)
    along = lr * np.einsum("aij,ij->a", written["drift"], moments)
    exact = law.tangent_drift()
    downhill = law.row_space.tangent(ou.regularizer_gradient(setting, theta))
    assert along[0] == pytest.approx(exact @ downhill / np.linalg.norm(downhill), rel=1e-9)
    assert np.linalg.norm(along) == pytest.approx(np.linalg.norm(exact), rel=1e-9)


def test_an_isotropic_fluctuation_drifts_straight_down_reg(written):
    along = np.trace(written["drift"], axis1=1, axis2=2)
    np.testing.assert_allclose(along, [-written["pull"], *[0] * (len(along) - 1)], rtol=0, atol=1e-10 * written["pull"])


def test_the_section_names_no_place_of_the_network_and_each_id_once():
    text = section()
    assert set(re.findall(r"\w+://[^\s\"'<)]+", text)) == {"http://www.w3.org/2000/svg"}  # a name, which nothing loads
    assert not re.search(r"\b(src|href)=|@import|url\(|fetch\(|XMLHttpRequest|import\(", text)
    ids = re.findall(r'\bid="([^"]+)"', text)
    assert len(ids) == len(set(ids))
    assert text.count("<section") == text.count("</section>") == 1
    assert text.count("<script>") == text.count("</script>") == 1
