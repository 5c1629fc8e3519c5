"""The contrast of noises: what the committed picture shows."""

import json
from pathlib import Path

import numpy as np

EQUAL = 2  # after none and isotropic noise, before label noise of unequal σ
COMMITTED = Path(__file__).parents[2] / "figures" / "noise_contrast.json"


def test_the_committed_picture_shows_what_was_asked_of_it():
    shown = json.loads(COMMITTED.read_text(encoding="utf-8"))
    result = {name: np.array(value) for name, value in shown["numbers"].items()}
    assert shown["size"] == "full"
    ends = result["error"][:, :, -1]
    assert ends[EQUAL:].max() < 0.01
    assert ends[:EQUAL].min() > 0.5
    assert result["planted_from_least"] < 1e-6
    assert np.all(np.abs(result["measured"] - result["predicted"]) < 4 * result["measured_error"])
    # The last, to a percent: of isotropic noise too, whose walk is taken off it.
    assert (result["measured_error"] / result["predicted"])[:, -1].max() < 0.01
    assert np.all(np.abs(result["aside"] - result["aside_predicted"]) < 4 * result["aside_error"] + 0.002)
    assert abs(result["walked"][0] - 1) < 4 * result["walked_error"][0]


def test_reg_of_the_committed_picture_is_on_the_flow():
    shown = json.loads(COMMITTED.read_text(encoding="utf-8"))["numbers"]
    result = {name: np.array(value) for name, value in shown.items()}
    for reg, flow in zip(result["reg"][EQUAL:], result["flow_reg"], strict=True):
        during = (result["steps"] > 1000) & (result["steps"] <= result["flow_steps"][-1])
        predicted = np.interp(result["steps"][during], result["flow_steps"], flow)
        # A state differs from the flow by the noise about it, a few per cent of reg; after a look: up to 0.064.
        np.testing.assert_allclose(reg[:, during], np.broadcast_to(predicted, reg[:, during].shape), rtol=0.1)
