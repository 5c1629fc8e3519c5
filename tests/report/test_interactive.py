"""The page's own numbers, read in Chromium after its sliders, keys and points were moved, against the package's.

Source: theory.md, sections 2, 3 and 4.2.
"""

import json
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

import ouanalysis as ou
from ouanalysis.report.interactive import section
from ouanalysis.report.interactive.small_network import BATCHES, planted

pytestmark = pytest.mark.browser

AGREES = 1e-8  # the page's numbers are written to 13 digits, and next to the limit some are lost
EXACT = 1e-9  # of R, whose solver in the package stops at about that
BARE = '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
STEP, FAR = 0.05, 5  # of an arrow key, and how many of them with Shift
NAMED = {(0, 1): "ArrowUp", (0, -1): "ArrowDown", (1, 0): "ArrowRight", (-1, 0): "ArrowLeft"}


@dataclass(frozen=True)
class Opened:
    """The page, and what it complained of or asked for."""

    page: Any
    complaints: list[str]
    requests: list[str]

    def law(self):
        return self.page.locator("#lab-law")

    def relu(self):
        return self.page.locator("#lab-relu")

    def point(self, i):
        return self.relu().get_by_role("slider", name=f"point {i + 1}", exact=True)

    def data(self):
        return tuple(json.loads(self.relu().get_attribute(f"data-{name}")) for name in "xy")

    def number(self, name):
        return float(self.relu().get_attribute(f"data-{name}"))


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "page.html"
    path.write_text(f"{BARE}<title>laboratory</title><body>{section()}", encoding="utf-8")
    return path.as_uri()


@pytest.fixture
def open_page(chromium, address):
    """open_page(**context): an Opened page; none may have complained or asked for anything by the end of the test."""
    opened = []

    def opens(**context):
        page = chromium.new_context(**{"viewport": {"width": 1000, "height": 900}} | context).new_page()
        complaints: list[str] = []
        requests: list[str] = []
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda request: requests.append(request.url))
        page.goto(address)
        opened.append(Opened(page, complaints, requests))
        return opened[-1]

    yield opens
    for one in opened:
        assert one.complaints == []
        assert one.requests == [address]
        one.page.context.close()


@pytest.fixture
def opened(open_page):
    return open_page()


def rows(opened):
    """{name: (exact, leading order)} of the table under the sliders."""
    found = opened.law().locator("tr[data-exact]").evaluate_all("rows => rows.map(row => ({...row.dataset}))")
    return {row["name"]: (float(row["exact"]), float(row["leading"])) for row in found}


@pytest.mark.parametrize("which", range(len(BATCHES)), ids=[f"B={batch}" for batch in BATCHES])
def test_the_sliders_show_the_exact_law_and_the_leading_order(opened, which):
    setting, theta = planted()
    law = opened.law()
    law.locator("[data-sets=batch]").fill(str(which))
    shown = 0
    for lr_place, noise_place in [(0, 200), (350, 0), (640, 300), (760, 120), (785, 200)]:
        law.locator("[data-sets=lr]").fill(str(lr_place))
        law.locator("[data-sets=noise]").fill(str(noise_place))
        lr, noise, limit = (float(law.get_attribute(f"data-{name}")) for name in ("lr", "noise", "limit"))
        sampling = {"lr": lr, "noise_std": noise, "batch_size": BATCHES[which]}
        exact, leading = ou.linearized_sgd(setting, theta, **sampling), ou.local_ou(setting, theta, **sampling)
        assert limit == pytest.approx(exact.max_stable_lr, rel=AGREES)
        found = rows(opened)
        assert found["floor"] == pytest.approx((exact.expected_loss(), leading.expected_loss()), rel=AGREES)
        downhill = exact.row_space.tangent(ou.regularizer_gradient(setting, theta))
        downhill /= -np.linalg.norm(downhill)
        drifts = [one.tangent_drift() for one in (exact, leading)]
        assert found["downhill"] == pytest.approx([drift @ downhill for drift in drifts], rel=AGREES)
        across = drifts[0] - downhill * (drifts[0] @ downhill)
        assert found["sideways"][0] == pytest.approx(np.linalg.norm(across), rel=1e-6)  # small beside the other
        for i, pair in enumerate(zip(exact.variances(), leading.variances(), strict=True)):
            assert found[f"variance-{i}"] == pytest.approx(pair, rel=AGREES)
        size = exact.sampling.batch_size
        assert float(law.get_attribute("data-flow-steps")) == pytest.approx(size / (lr * noise) ** 2, rel=1e-12)
        shown += 1
    assert shown == 5


def test_a_step_past_the_limit_is_refused_in_a_sentence(opened):
    law = opened.law()
    law.locator("[data-sets=lr]").fill("1000")
    assert law.locator("output").inner_text().startswith("Refused: η = ")
    assert rows(opened) == {}
    assert law.get_attribute("data-flow-steps") == ""
    law.locator("[data-sets=lr]").fill("500")
    assert law.locator("output").inner_text().startswith("The loss settles at ")
    assert len(rows(opened)) == 9


def test_the_limit_is_where_the_slider_begins_to_be_refused(opened):
    law, slider = opened.law(), opened.law().locator("[data-sets=lr]")
    for which in range(len(BATCHES)):
        law.locator("[data-sets=batch]").fill(str(which))
        for place in range(700, 1001, 20):
            slider.fill(str(place))
            past = float(law.get_attribute("data-lr")) >= float(law.get_attribute("data-limit"))
            assert past == (rows(opened) == {})


def test_sliders_say_what_they_are_set_to(opened):
    law = opened.law()
    law.locator("[data-sets=batch]").fill("4")
    law.locator("[data-sets=lr]").fill("500")
    sliders = {name: law.locator(f"[data-sets={name}]") for name in ("lr", "batch", "noise")}
    said = {name: slider.get_attribute("aria-valuetext") for name, slider in sliders.items()}
    assert said["batch"] == "full batch"
    assert said["noise"] == "σ = 0.1"
    assert "% of the stability limit" in said["lr"]
    sliders["lr"].press("ArrowRight")
    assert sliders["lr"].input_value() == "501"


def test_another_run_is_another_run(opened):
    run = opened.law().locator("[data-draws=run] .lab-run")
    first = run.get_attribute("points")
    opened.law().get_by_role("button", name="run again").click()
    assert run.get_attribute("points") != first


def agrees_with_the_cone_program(opened):
    x, y = opened.data()
    least = ou.minimum(ou.ReluNetwork(x, y, width=20))
    assert opened.number("value") == pytest.approx(least.value, rel=EXACT)
    assert opened.number("bound") == pytest.approx(opened.number("value"), rel=EXACT)
    assert opened.number("bound") <= opened.number("value") * (1 + 1e-12)
    assert opened.number("changes") == least.convexity_changes


def press_to(opened, i, target):
    """The i-th point to target (x, y), by arrow keys, with Shift for long ways."""
    x, y = opened.data()
    for axis, (start, end) in enumerate(zip((x[i], y[i]), target, strict=True)):
        steps = round((end - start) / STEP)
        key = NAMED[(np.sign(steps), 0) if axis == 0 else (0, np.sign(steps))] if steps else ""
        for _ in range(abs(steps) // FAR):
            opened.point(i).press(f"Shift+{key}")
        for _ in range(abs(steps) % FAR):
            opened.point(i).press(key)
    x, y = opened.data()
    assert (x[i], y[i]) == pytest.approx(target, abs=1e-12)


@pytest.mark.parametrize("seed", range(4))
def test_points_moved_by_keys_have_the_least_regularizer_of_the_cone_program(opened, seed):
    rng = np.random.default_rng(seed)
    for i, at in enumerate(opened.data()[0]):
        press_to(opened, i, (at, STEP * rng.integers(-40, 41)))
        agrees_with_the_cone_program(opened)


@pytest.mark.parametrize("seed", range(4))
def test_points_that_are_dragged_have_the_least_regularizer_of_the_cone_program(opened, seed):
    rng = np.random.default_rng(seed)
    mouse = opened.page.mouse
    opened.relu().locator("svg").first.scroll_into_view_if_needed()
    for i in rng.permutation(6):
        before = opened.data()
        box = opened.point(i).locator(".lab-datum").bounding_box()
        mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        mouse.down()
        for _ in range(3):
            mouse.move(box["x"] + rng.uniform(-40, 40), box["y"] + rng.uniform(-60, 60))
            agrees_with_the_cone_program(opened)
        mouse.up()
        assert opened.data() != before
        mouse.move(5, 5)
        agrees_with_the_cone_program(opened)


@pytest.mark.parametrize("name", ["bend", "collinear", "zigzag", "between"])
def test_the_data_to_begin_with_have_it_too(opened, name):
    opened.relu().locator(f"[data-data={name}]").click()
    agrees_with_the_cone_program(opened)
    kinks = json.loads(opened.relu().get_attribute("data-kinks"))
    on_data = [k in opened.data()[0] for k, _ in kinks]
    assert all(on_data) == (name != "between")
    assert len(kinks) == {"bend": 1, "collinear": 1, "zigzag": 4, "between": 3}[name]


def test_points_on_a_line_are_joined_by_it(opened):
    for i, at in enumerate(opened.data()[0]):
        press_to(opened, i, (at, 0.5))
    assert json.loads(opened.relu().get_attribute("data-kinks")) == []
    assert opened.number("value") == pytest.approx(np.mean(1 + np.square(opened.data()[0])), rel=1e-14)


def test_a_point_passes_none_of_its_neighbours_and_leaves_no_bounds(opened):
    for key in ("ArrowRight", "ArrowUp"):
        for _ in range(30):
            opened.point(2).press(f"Shift+{key}")
    x, y = opened.data()
    assert x[2] == pytest.approx(x[3] - 0.1, abs=1e-12)
    assert y[2] == 2
    agrees_with_the_cone_program(opened)


def test_a_point_says_where_it_is(opened):
    point = opened.point(1)
    assert point.get_attribute("aria-valuetext") == "x = −1.80: y = 0.60"
    point.press("Shift+ArrowDown")
    assert point.get_attribute("aria-valuetext") == "x = −1.80: y = 0.35"
    assert point.get_attribute("aria-valuenow") == "0.35"


@pytest.mark.parametrize("rival", ["spline", "polygon", "own"])
def test_no_rival_is_simpler(opened, rival):
    opened.relu().locator(f"[value={rival}]").check()
    for name in ("bend", "collinear", "zigzag", "between"):
        opened.relu().locator(f"[data-data={name}]").click()
        assert opened.number("rival") >= opened.number("value") * (1 - 1e-12)


def test_the_readers_own_function_is_priced_as_the_package_prices_it(opened):
    opened.relu().locator("[value=own]").check()
    for i, keys in enumerate(["ArrowUp", "ArrowLeft", "Shift+ArrowDown", "ArrowRight", "Shift+ArrowUp"]):
        opened.relu().get_by_role("slider", name=f"bend between points {i + 1} and {i + 2}").press(keys)
    at, height = np.transpose(json.loads(opened.relu().get_attribute("data-rival-points")))
    x, y = opened.data()
    kinked = ou.PiecewiseLinear(at[1:-1], np.diff(height) / np.diff(at), through=(at[0], height[0]))
    np.testing.assert_allclose(kinked(x), y, rtol=0, atol=1e-12)
    regularizer = ou.function_regularizer(ou.ReluNetwork(x, y, 1), kinked)
    assert opened.number("rival") == pytest.approx(regularizer, rel=1e-12)


def test_every_control_is_reached_by_tab(opened):
    opened.relu().locator("[value=own]").check()
    opened.page.locator("body").evaluate("body => document.activeElement.blur()")
    reached = set()
    for _ in range(40):
        opened.page.keyboard.press("Tab")
        reached.add(opened.page.evaluate("document.activeElement.ariaLabel || document.activeElement.textContent"))
    wanted = {"step size η", "batch size B", "label noise σ", "run again", "zigzag", "better than dot to dot"}
    wanted |= {f"point {i}" for i in range(1, 7)} | {f"bend between points {i} and {i + 1}" for i in range(1, 6)}
    assert wanted <= reached


def test_what_is_focused_is_seen_to_be(opened):
    opened.point(0).focus()
    opened.page.keyboard.press("ArrowUp")
    ring = opened.point(0).locator(".lab-ring")
    assert ring.evaluate("ring => getComputedStyle(ring).strokeWidth") == "3px"
    assert ring.evaluate("ring => getComputedStyle(ring).stroke") != "none"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [375, 768, 1400])
def test_nothing_is_wider_than_the_window(open_page, scheme, width):
    opened = open_page(viewport={"width": width, "height": 800}, color_scheme=scheme)
    opened.relu().locator("[value=own]").check()
    assert opened.page.evaluate("document.documentElement.scrollWidth") <= width
    agrees_with_the_cone_program(opened)


def test_a_finger_drags_too(open_page):
    opened = open_page(has_touch=True, viewport={"width": 375, "height": 800})
    point = opened.point(2)
    point.scroll_into_view_if_needed()
    box = point.locator(".lab-datum").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    session = opened.page.context.new_cdp_session(opened.page)
    session.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [{"x": x, "y": y}]})
    session.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": [{"x": x, "y": y - 60}]})
    session.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    assert opened.data()[1][2] > 0.5
    agrees_with_the_cone_program(opened)


def test_nothing_moves_by_itself_where_motion_is_not_wanted(open_page):
    mark = ".lab-limit"
    durations = {
        wanted: open_page(reduced_motion=wanted)
        .page.locator(mark)
        .evaluate("mark => getComputedStyle(mark).transitionDuration")
        for wanted in ("reduce", "no-preference")
    }
    assert durations == {"reduce": "0s", "no-preference": "0.2s"}


def test_the_pages_own_colours_are_taken(opened):
    opened.page.evaluate("document.documentElement.style.setProperty('--accent', 'rgb(1, 2, 3)')")
    line = opened.relu().locator(".lab-simplest")
    assert line.evaluate("line => getComputedStyle(line).stroke") == "rgb(1, 2, 3)"
