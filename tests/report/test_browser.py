"""The page in Chromium: what it logs, whether every formula has a size, where links lead, widths and contrast."""

import pytest

from ouanalysis.report import __main__ as command

pytestmark = pytest.mark.browser

OPEN_ALL = "document.querySelectorAll('details').forEach(one => { one.open = true })"

# Of each text that is seen: its colour, and what is painted under it by the nearest ancestor that paints.
CONTRASTS = """() => {
  const channels = text => text.match(/[\\d.]+/g).map(Number);
  const luminance = ([r, g, b]) => [r, g, b].map(v => v / 255)
    .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, k) => sum + v * [0.2126, 0.7152, 0.0722][k], 0);
  const under = one => {
    for (let at = one; at; at = at.parentElement) {
      const painted = channels(getComputedStyle(at).backgroundColor);
      if (painted.length < 4 || painted[3] > 0) return painted;
    }
    return [255, 255, 255];
  };
  const found = [];
  for (const one of document.querySelectorAll('body *')) {
    const own = [...one.childNodes].some(node => node.nodeType === 3 && node.textContent.trim());
    if (!own || one.closest('svg, script, style') || !one.getClientRects().length) continue;
    const [light, dark] = [channels(getComputedStyle(one).color), under(one)].map(luminance).sort((a, b) => b - a);
    found.push([(light + 0.05) / (dark + 0.05), one.tagName, one.className, one.textContent.slice(0, 40)]);
  }
  return found;
}"""

BACKSLASHES = """() => {
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), found = [];
  for (let node = walker.nextNode(); node; node = walker.nextNode())
    if (node.data.includes('\\\\') && !node.parentElement.closest('pre, code, script, style')) found.push(node.data);
  return found;
}"""

TOO_WIDE = """() => [...document.querySelectorAll('.formula, pre, table, figure svg')]
  .filter(one => one.getClientRects().length && one.getBoundingClientRect().right + one.scrollWidth - one.clientWidth
    > document.documentElement.clientWidth + 1).map(one => one.outerHTML.slice(0, 200))"""


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    """Of a quick page, made by the command."""
    folder = tmp_path_factory.mktemp("report")
    command.main(["--quick", "--out", str(folder)])
    return (folder / command.FILE).as_uri()


@pytest.fixture
def opened(chromium, address):
    """Opens the page anew; whatever it logs or asks of a network fails the test."""
    contexts, wrong = [], []

    def opened(*, width=1200, dark=False):
        scheme = "dark" if dark else "light"
        context = chromium.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: wrong.append(message.text))
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("request", lambda request: wrong.append(request.url) if not request.url.startswith("file:") else None)
        page.goto(address)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert wrong == []


def test_every_formula_is_seen_and_none_is_an_error(opened):
    page = opened()
    page.evaluate(OPEN_ALL)
    sizes = page.evaluate(
        "[...document.querySelectorAll('math')].map(one => [one.getBoundingClientRect(), one.textContent])"
        ".map(([box, text]) => [box.width, box.height, text])"
    )
    assert len(sizes) > 500
    assert [text for width, height, text in sizes if not (width > 0 and height > 0)] == []
    assert page.locator("merror").count() == 0


def test_no_latex_is_left(opened):
    assert opened().evaluate(BACKSLASHES) == []


def test_the_browser_reads_the_page_as_it_is_written(opened):
    page = opened()
    counted = page.evaluate(
        "new DOMParser().parseFromString(new XMLSerializer().serializeToString(document), 'application/xhtml+xml')"
        ".querySelectorAll('*').length - document.querySelectorAll('*').length"
    )
    assert counted == 0
    misplaced = "p > p, p > div, p > ul, p > table, a a, ul > :not(li), ol > :not(li), tr > :not(td, th)"
    assert page.locator(misplaced).count() == 0


@pytest.mark.parametrize("links", [".claim .links a", ".entry a", ".abstract a", "figcaption a", "nav a"])
def test_links_lead_to_what_is_then_seen(opened, links):
    page = opened()
    targets = page.eval_on_selector_all(links, "all => all.map(one => one.getAttribute('href'))")
    assert len(targets) > 5
    for target in dict.fromkeys(targets[:: max(1, len(targets) // 8)]):
        first = page.locator(f'{links}[href="{target}"]').first
        first.evaluate(
            "one => { for (let at = one; at; at = at.parentElement) if (at.tagName === 'DETAILS') at.open = true }"
        )
        first.click()
        assert page.evaluate("location.hash") == target
        box = page.locator(f'[id="{target.removeprefix("#")}"]').bounding_box()
        assert box, f"expected to see {target}"
        assert box["height"] > 0
        assert -1 <= box["y"] < 800


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_all_text_has_the_contrast_that_reading_needs(opened, dark):
    page = opened(dark=dark)
    page.evaluate(OPEN_ALL)
    found = page.evaluate(CONTRASTS)
    assert len(found) > 3000
    assert [one for one in found if one[0] < 4.5] == []


def test_the_dark_page_is_dark(opened):
    assert opened(dark=True).evaluate("getComputedStyle(document.body).backgroundColor") != opened().evaluate(
        "getComputedStyle(document.body).backgroundColor"
    )


@pytest.mark.parametrize("width", [320, 375, 768])
def test_a_narrow_page_does_not_scroll_sideways(opened, width):
    page = opened(width=width)
    page.evaluate(OPEN_ALL)
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_on_paper_nothing_is_cut_off(opened):
    page = opened(width=688)  # A4 less its margins
    page.emulate_media(media="print")
    assert page.evaluate(TOO_WIDE) == []
    seen = page.locator("details.derivation .formula").first.bounding_box()
    assert seen is not None
    assert seen["height"] > 0


def test_the_skip_link_is_first_and_seen_once_it_has_the_focus(opened):
    page = opened()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.getAttribute('href')") == "#content"
    assert page.evaluate("document.activeElement.getBoundingClientRect().left") >= 0
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "content"
