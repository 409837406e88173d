"""The page in a real browser: two windows, two nodes, messages both ways. Arguments: base URL, directory for pictures."""

import sys
import tempfile
import time

from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

url, pictures = sys.argv[1], sys.argv[2]


def browser_options(profile):
    options = webdriver.ChromeOptions()
    for argument in ["--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--window-size=1100,900",
                     f"--user-data-dir={profile}"]:
        options.add_argument(argument)
    options.binary_location = "/usr/bin/chromium"
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    return options


def text(driver, element):
    return driver.find_element(By.ID, element).text


def until(driver, what, condition):
    WebDriverWait(driver, 30, poll_frequency=0.1).until(lambda _: condition(), f"not in time: {what}")
    print("ok", what, flush=True)


def row(driver, message):
    return driver.find_elements(By.CSS_SELECTOR, f'#messages li[data-text="{message}"]')


def look(driver, scheme):
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": scheme}]})


def main(driver):
    driver.get(url)
    first = driver.current_window_handle
    until(driver, "the first window is connected", lambda: text(driver, "state") == "connected")
    node = text(driver, "node")
    driver.switch_to.new_window("window")
    second = driver.current_window_handle
    driver.get(url)
    until(driver, "the second window is on another node",
          lambda: text(driver, "state") == "connected" and text(driver, "node") != node)
    driver.find_element(By.ID, "message-input").send_keys("from the second window")
    driver.find_element(By.ID, "publish").click()
    until(driver, "the second window hears itself", lambda: row(driver, "from the second window"))
    driver.switch_to.window(first)
    assert text(driver, "node") == node, "the first window has moved"
    until(driver, "the first window hears the second, with the latency",
          lambda: [r for r in row(driver, "from the second window") if r.get_attribute("data-latency")])
    driver.find_element(By.ID, "channel-input").send_keys("second-channel")
    driver.find_element(By.ID, "channel-add").click()
    driver.find_element(By.ID, "message-input").send_keys("<b>answer</b>")
    driver.find_element(By.ID, "publish").click()
    driver.switch_to.window(second)
    until(driver, "the second window hears the first, markup stays text", lambda: row(driver, "<b>answer</b>"))
    driver.find_element(By.ID, "burst").click()
    until(driver, "a burst of 100 arrives", lambda: int(text(driver, "count")) >= 102)
    driver.save_screenshot(f"{pictures}/page-light.png")
    look(driver, "dark")
    driver.save_screenshot(f"{pictures}/page-dark.png")
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride",
                           {"width": 390, "height": 844, "deviceScaleFactor": 2, "mobile": True})
    time.sleep(0.2)
    overflow = driver.execute_script("return document.documentElement.scrollWidth - window.innerWidth")
    assert overflow <= 0, f"the page is {overflow} px too wide for a phone"
    driver.save_screenshot(f"{pictures}/page-phone.png")
    print("ok the page fits a phone", flush=True)
    errors = [entry for entry in driver.get_log("browser") if entry["level"] == "SEVERE"]
    assert not errors, errors
    print("ok no errors in the console", flush=True)


with tempfile.TemporaryDirectory() as profile:
    driver = webdriver.Chrome(options=browser_options(profile), service=webdriver.ChromeService("/usr/bin/chromedriver"))
    try:
        main(driver)
    finally:
        driver.quit()
