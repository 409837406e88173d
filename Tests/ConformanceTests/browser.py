"""Headless Chromium for the checks that need a browser."""
import shutil
import sys

from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service


def find(*names):
    for name in names:
        if path := shutil.which(name):
            return path
    sys.exit(f"FAILED none of {', '.join(names)} is installed")


def start_browser(profile, *arguments, logs=False):
    """A browser of its own, with its profile in that folder; `logs`: keeps what its console says."""
    options = Options()
    options.binary_location = find("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    for argument in [
        "--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--no-first-run",
        "--no-proxy-server", "--disable-background-networking", "--disable-component-update",
        f"--user-data-dir={profile}", *arguments,
    ]:
        options.add_argument(argument)
    if logs:
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    return webdriver.Chrome(options=options, service=Service(executable_path=find("chromedriver")))
