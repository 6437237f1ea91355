"""Take a picture of every page, in both themes and at two widths, into `var/screenshots/`: `make screenshots`."""

import os
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "var" / "screenshots"


def main() -> int:
    import httpx
    from playwright.sync_api import sync_playwright

    from tests.browser.stage import build
    from tests.harness import callback, chromium, database, server

    FOLDER.mkdir(parents=True, exist_ok=True)
    database.make()
    with (
        server.running() as origin,
        httpx.Client(timeout=20) as http,
        callback.listening() as back,
        sync_playwright() as playwright,
    ):
        stage = build(origin, http, back)
        stage.chromium = playwright.chromium.launch(**chromium.options())
        taken = _take_all(stage)
    database.close()
    print(f"{taken} pictures in {FOLDER.relative_to(ROOT)}/")
    return 0


def _take_all(stage: Any) -> int:  # A tests.browser.stage.Stage, which needs Django first.
    from tests.browser import factors
    from tests.browser.authenticators import Tab
    from tests.browser.sights import SIGHTS

    wanted = sys.argv[1:]
    taken = 0
    for sight in SIGHTS:
        if wanted and sight.name not in wanted:
            continue
        window = stage.window(sight.person, sight.world(stage))
        sight.arrive(stage, window)
        taken += _take(window, sight.name)
        window.context.close()
    if not wanted or "factors" in wanted:
        tab = Tab(stage.window())
        counts: list[int] = []
        factors.walk(stage.lived_in, tab, lambda name: counts.append(_take(tab.page, f"factors-{name}")))
        taken += sum(counts)
    return taken


def _take(window: Any, name: str) -> int:  # A Playwright page.
    from tests.browser.watching import LOOKS

    window.evaluate("document.fonts.ready.then(() => true)")
    for scheme, width in LOOKS:
        window.emulate_media(color_scheme=scheme)
        window.set_viewport_size({"width": width, "height": 900})
        window.screenshot(path=FOLDER / f"{name}-{scheme}-{width}.png", full_page=True)
    return len(LOOKS)


def _prepare() -> None:
    """Stand where the tests stand: their settings, their database, a server of their own."""
    import django

    sys.path[:0] = [str(ROOT), str(ROOT / "platform")]
    os.environ |= {"DJANGO_SETTINGS_MODULE": "tests.settings", "DJANGO_ALLOW_ASYNC_UNSAFE": "1"}
    os.environ.setdefault("REMIT_TEST_NAME", "pictures")
    os.environ.setdefault("REMIT_LOG_LEVEL", "ERROR")
    django.setup()


if __name__ == "__main__":
    _prepare()
    sys.exit(main())
