"""A moderator at a real browser: Debian's Chromium, driven by Playwright."""

import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn
from axe_playwright_python.sync_playwright import Axe
from fastapi import FastAPI
from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright

#: None where none is installed
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
_GRAVE = {"serious", "critical"}
_MOST_TABS = 400
#: what the dark colours can spoil
_CONTRAST = {"resultTypes": ["violations"], "runOnly": ["color-contrast"]}
#: notes the control that has the focus; its name, and whether it opens what is closed
_NOTE = """() => {
  const found = document.activeElement;
  found.dataset.reached = "";
  const closed = found.matches("details:not([open]) > summary");
  return [found.matches("body") ? "body" : found.matches(".skip") ? "skip" : "", closed];
}"""
#: visible controls that never had it; one of the buttons of a choice stands for all
_MISSED = """() => [...document.querySelectorAll(
  "a[href], button, input:not([type=hidden]), select, textarea, summary"
)].filter((each) => !each.disabled && each.checkVisibility() && !("reached" in each.dataset) &&
  !(each.type === "radio" && document.querySelector(`[name="${each.name}"][data-reached]`))
).map((each) => each.outerHTML.slice(0, 200))"""


@contextmanager
def chromium() -> Iterator[Browser]:
    """A headless browser."""
    with sync_playwright() as playwright:
        # root has no sandbox to give, and all that is opened is ours
        found = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield found
        found.close()


@contextmanager
def listening(app: FastAPI) -> Iterator[str]:
    """An application behind a port of this machine; its address.

    What it does beside answering is left to another on the same store, whose end closes it.
    """
    config = uvicorn.Config(app, port=0, lifespan="off", log_config=None, access_log=False)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join()


class Moderator:
    """Somebody with a browser window of their own.

    ``faults`` collects what no page may do: errors of scripts, violations of the content security
    policy, dialogs, and serious or critical findings of axe-core.
    """

    def __init__(
        self, browser: Browser, address: str, width: int = 1440, *, scripts: bool = True
    ) -> None:
        """Open a window."""
        self._context = browser.new_context(
            base_url=address,
            viewport={"width": width, "height": 900},
            locale="zh-CN",
            java_script_enabled=scripts,
        )
        self.page: Page = self._context.new_page()
        self.faults: list[str] = []
        self.page.on("console", self._heard)
        self.page.on("pageerror", lambda error: self.faults.append(f"script: {error}"))
        self.page.on("dialog", self._asked)

    def sign_in(self, user: str, password: str) -> None:
        """By name and password, with the keyboard, once the first field has the focus."""
        self.page.goto("/console")
        self.page.wait_for_selector("[name=user]:focus")
        self.page.keyboard.type(user)
        self.page.keyboard.press("Tab")
        self.page.keyboard.type(password)
        self.press("Enter")

    def press(self, key: str) -> None:
        """A key that leads to another page."""
        with self.page.expect_navigation():
            self.page.keyboard.press(key)

    def reach(self, selector: str) -> None:
        """With the Tab key alone."""
        for _ in range(_MOST_TABS):
            if self.page.evaluate("s => document.activeElement.matches(s)", selector):
                return
            self.page.keyboard.press("Tab")
        self.faults.append(f"{selector} cannot be reached by Tab at {self.page.url}")

    def reach_all(self) -> None:
        """Every control of the page with the Tab key alone; Enter opens what is closed."""
        self.page.evaluate("document.activeElement.blur()")
        for number in range(_MOST_TABS):
            self.page.keyboard.press("Tab")
            place, closed = self.page.evaluate(_NOTE)
            if place and number:
                break
            if closed:
                self.page.keyboard.press("Enter")
        missed = self.page.evaluate(_MISSED)
        self.faults += [f"no way by Tab at {self.page.url} to {control}" for control in missed]

    def write(self, key: str, text: str) -> None:
        """Into the field that a key leads to, and out of it again."""
        self.page.keyboard.press(key)
        self.page.keyboard.insert_text(text)
        self.page.keyboard.press("Escape")

    def look(self) -> str:
        """The page's text, after axe-core and the width of the window had their say.

        In dark colours too.
        """
        self.page.emulate_media(color_scheme="dark")
        self._ask_axe(_CONTRAST)
        self.page.emulate_media(color_scheme="light")
        self._ask_axe({"resultTypes": ["violations"]})
        wide: Any = self.page.evaluate("document.documentElement.scrollWidth - innerWidth")
        if wide > 0:
            self.faults.append(f"{self.page.url} is {wide} pixels too wide")
        return self.page.inner_text("main")

    def decide(self, place: int) -> None:
        """The decision button at a place, from 1, by its key; sent without waiting."""
        self.page.keyboard.press(f"Shift+Digit{place}")
        self.page.wait_for_selector("#undo:not([hidden])")
        self.press("Enter")

    def _ask_axe(self, options: dict[str, Any]) -> None:
        for found in Axe().run(self.page, options=options).response["violations"]:
            if found["impact"] in _GRAVE:
                where = found["nodes"][0]["html"][:200]
                self.faults.append(f"axe {found['id']} at {self.page.url}: {where}")

    def close(self) -> None:
        """Leave."""
        self._context.close()

    def _heard(self, message: ConsoleMessage) -> None:
        # a page that says what was refused is meant; a file of it that is missing is not
        meant = "Failed to load" in message.text and message.location["url"] == self.page.url
        if "Content Security Policy" in message.text or (message.type == "error" and not meant):
            self.faults.append(f"console: {message.text}")

    def _asked(self, dialog: Any) -> None:
        self.faults.append(f"dialog: {dialog.message}")
        dialog.dismiss()
