// Opens a page in each of three engines, by the means that each of them has.

import { spawn } from "node:child_process";
import { createServer } from "node:net";
import { setTimeout as wait } from "node:timers/promises";

/** Loaded where it is used: a test of one engine needs no driver of another. */
export const drivers = { chromium, firefox, webkit };

/** Each resolves to a function that ends all it started. */
async function chromium(url) {
  const { chromium: engine } = await import("playwright-core");
  const browser = await engine.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"],
  });
  const page = await browser.newPage();
  echo(page);
  await page.goto(url);
  return () => browser.close();
}

async function firefox(url) {
  const { default: puppeteer } = await import("puppeteer-core");
  const browser = await puppeteer.launch({
    browser: "firefox",
    executablePath: process.env.FIREFOX ?? "/usr/bin/firefox-esr",
    headless: true,
  });
  const page = await browser.newPage();
  echo(page);
  await page.goto(url);
  return () => browser.close();
}

/** WebKitGTK's own driver on a virtual display, by plain WebDriver requests. */
async function webkit(url) {
  const port = await freePort();
  const driver = spawn("xvfb-run", ["-a", "WebKitWebDriver", `--port=${port}`], {
    stdio: "ignore",
    // A process group of its own, so that the display and the browser end with it.
    detached: true,
  });
  const exited = new Promise((resolve) => driver.once("exit", resolve));
  const request = (method, path, body) => webdriver(`http://127.0.0.1:${port}${path}`, method, body);
  let session;
  const end = async () => {
    if (session) await request("DELETE", `/session/${session}`).catch(() => {});
    try {
      process.kill(-driver.pid);
    } catch {
      // It has ended by itself.
    }
    await exited;
  };
  try {
    await ready(request);
    const options = {
      binary: process.env.WEBKIT ?? "/usr/lib/x86_64-linux-gnu/webkit2gtk-4.1/MiniBrowser",
      args: ["--automation"],
    };
    const capabilities = { alwaysMatch: { "webkitgtk:browserOptions": options } };
    session = (await request("POST", "/session", { capabilities })).sessionId;
    await request("POST", `/session/${session}/url`, { url });
    return end;
  } catch (error) {
    await end();
    throw error;
  }
}

async function ready(request) {
  for (let attempt = 0; ; attempt += 1) {
    try {
      await request("GET", "/status");
      return;
    } catch (error) {
      if (attempt === 60) throw new Error(`WebKitWebDriver does not answer: ${error}`);
      await wait(250);
    }
  }
}

async function webdriver(url, method, body) {
  const response = await fetch(url, { method, body: body && JSON.stringify(body) });
  const { value } = await response.json();
  if (!response.ok) throw new Error(`${method} ${url}: ${value?.error}: ${value?.message}`);
  return value;
}

function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer().once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

/** What a page complains about belongs into the log. */
function echo(page) {
  page.on("pageerror", (error) => console.error(`  page error: ${error.message}`));
  page.on("console", (message) => console.error(`  console: ${message.text()}`));
}
