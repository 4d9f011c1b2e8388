import { Scalar } from "@scalar/hono-api-reference";
import type { Context, Next } from "hono";
import type { ApiEnv } from "./env";
import { PAGE_ICON } from "./page-icon";

/** All that the page may load: its own script and styles. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self' 'unsafe-inline'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data: blob:",
  "font-src 'self' data:",
  "connect-src 'self'",
  "worker-src 'self' blob:",
].join("; ");

const HEAD = `<head>
    <link rel="icon" href="${PAGE_ICON}">
    <meta name="description" content="Long-term memory for AI agents in their own voice.">`;

// What would lead to other servers (their client, sharing, deploying, fonts, telemetry) is left out.
const renderScalar = Scalar<ApiEnv>({
  url: "/openapi.json",
  pageTitle: "Refrain API",
  cdn: "/scalar.js",
  withDefaultFonts: false,
  telemetry: false,
  hideClientButton: true,
  showDeveloperTools: "never",
  agent: { disabled: true },
  mcp: { disabled: true },
  authentication: { preferredSecurityScheme: "bearer" },
  persistAuth: true,
});

/** The OpenAPI document as a page. Scalar's own page names no language and no icon: a browser would look for one. */
export async function docsPage(c: Context<ApiEnv>, next: Next): Promise<Response> {
  const response = await renderScalar(c, next);
  const page = response ? await response.text() : "";
  c.header("Content-Security-Policy", POLICY);
  return c.html(page.replace("<html>", '<html lang="en">').replace("<head>", HEAD));
}
