import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { findChromium, launchChromium } from "../support/chromium.ts";
import { useService } from "../support/service.ts";

const WIDTHS = [
  { screen: "a desktop", width: 1280, height: 900 },
  { screen: "a phone", width: 390, height: 844 },
];
const VISIBLE_WITHIN_MS = 20_000;
const BATCHES_CREATE = "#tag/batches/PUT/v1/batches";
const AGENTS_LIST = "#tag/agents/GET/v1/agents";

const chromiumPath = findChromium();
if (chromiumPath === undefined) {
  process.stdout.write("The browser tests are left out: no Chromium here (install chromium, or set CHROMIUM_PATH).\n");
}

describe.skipIf(chromiumPath === undefined)("in Chromium", () => {
  const service = useService();

  let browser: Browser;
  beforeAll(async () => {
    browser = await launchChromium(chromiumPath ?? "");
  });
  afterAll(() => browser?.close());

  describe.each(WIDTHS)("docs-get on $screen", ({ width, height }) => {
    it("shows what the service is and how to begin", async () => {
      const { page, faults } = await open("/docs");
      expect(await page.title()).toBe("Refrain API");
      await heading(page, "Refrain API");
      await heading(page, "Getting started");
      await page.getByText("call PUT /v1/batches").first().waitFor();
      expect(faults).toEqual([]);
    });

    it("shows an operation with its headers, its body and a call to copy", async () => {
      const { page, faults } = await open(`/docs${BATCHES_CREATE}`);
      await heading(page, "Start long work exactly once");
      // The header among the parameters, and the example of the body among the lines to copy.
      await page.getByText("requestId", { exact: true }).first().waitFor();
      await page.getByText("Summers, as the captain tells them").filter({ visible: true }).first().waitFor();
      expect(faults).toEqual([]);
    });

    it("needs no scrolling sideways", async () => {
      const { page } = await open("/docs");
      await heading(page, "Getting started");
      const overflow = () => page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
      expect(await overflow()).toBeLessThanOrEqual(0);
    });

    async function open(path: string): Promise<Watched> {
      const watched = await watchedPage(browser, service.address, { width, height });
      await watched.page.goto(`${service.address}${path}`);
      return watched;
    }
  });

  describe("docs-get", () => {
    it("leads from the list of operations to one of them", async () => {
      const { page, faults } = await watchedPage(browser, service.address);
      await page.goto(`${service.address}/docs`);
      await page.getByRole("button", { name: "CheckMate" }).first().click();
      await page.getByRole("link", { name: "Cancel a task" }).first().click();
      await heading(page, "Cancel a task");
      expect(faults).toEqual([]);
    });

    it("sends a call from the page, with the key that was given there, and shows the answer", async () => {
      const name = `Captain of the page ${Date.now()}`;
      await service.call("PUT", "/v1/agents", { body: { name } });
      const { page, faults } = await watchedPage(browser, service.address);
      await page.goto(`${service.address}/docs${AGENTS_LIST}`);
      await page.getByPlaceholder("Token").first().fill(service.key);
      await page.getByRole("button", { name: "Test Request (get /v1/agents)", exact: true }).click();
      await page
        .getByRole("dialog")
        .getByRole("button", { name: /^Send get request/i })
        .click();
      await page.getByRole("dialog").getByText(name).waitFor({ timeout: VISIBLE_WITHIN_MS });
      expect(faults).toEqual([]);
    });
  });

  describe("problem-get", () => {
    it("says what a problem means, and leads to the others and to the documentation", async () => {
      const { page, faults } = await watchedPage(browser, service.address);
      await page.goto(`${service.address}/problems/request-id-reused`);
      await heading(page, "This requestId belongs to another request");
      await page.getByText("Use a new requestId for a new request.").waitFor();
      await page.getByText("All problems").click();
      await page.getByRole("link", { name: "agent-not-found" }).click();
      await heading(page, "No such agent");
      await page.getByRole("link", { name: "Refrain API" }).click();
      await heading(page, "Getting started");
      expect(faults).toEqual([]);
    });
  });
});

interface Watched {
  readonly page: Page;
  /** Requests to elsewhere, requests that failed, and errors on the console; filled while the page is used. */
  readonly faults: string[];
}

async function watchedPage(
  browser: Browser,
  origin: string,
  viewport: { readonly width: number; readonly height: number } = { width: 1280, height: 900 },
): Promise<Watched> {
  const page = await browser.newPage({ viewport });
  onTestFinished(() => page.close());
  page.setDefaultTimeout(VISIBLE_WITHIN_MS);
  const faults: string[] = [];
  page.on("request", (request) => {
    const url = new URL(request.url());
    if (!["data:", "blob:"].includes(url.protocol) && url.origin !== origin) faults.push(`elsewhere: ${url.href}`);
  });
  page.on("requestfailed", (request) => faults.push(`failed: ${request.url()} ${request.failure()?.errorText}`));
  page.on("response", (response) => {
    if (response.status() >= 400) faults.push(`${response.status()}: ${response.url()}`);
  });
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) faults.push(`console: ${message.text()}`);
  });
  page.on("pageerror", (error) => faults.push(`uncaught: ${error.message}`));
  return { page, faults };
}

function heading(page: Page, name: string): Promise<void> {
  return page.getByRole("heading", { name, exact: true }).first().waitFor();
}
