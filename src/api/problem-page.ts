import { html, raw } from "hono/html";
import { PAGE_ICON } from "./page-icon";
import { PROBLEM_CODES, findProblem } from "./problem-catalogue";

type Page = ReturnType<typeof page>;

/** The pages have one style and no script. */
export const PROBLEM_PAGE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:";

const STYLE = `
body { font: 1.05rem/1.6 system-ui, sans-serif; max-width: 40rem; margin: 10vh auto 4rem; padding: 0 1.2rem; color: #1b1f24; background: #fff }
h1 { font-size: 1.9rem; line-height: 1.2; margin: .3rem 0 .8rem; text-wrap: balance }
h2 { font-size: 1rem; margin: 2rem 0 .2rem; color: #59636e }
h2 + p { margin-top: 0 }
nav { color: #59636e; font-size: .95rem }
code { font-size: .92em; background: #f1f3f5; padding: .15em .4em; border-radius: .25em; overflow-wrap: anywhere }
a { color: #0b5cad }
ul { padding-left: 1.2rem }
summary { margin-top: 2rem; cursor: pointer }
@media (prefers-color-scheme: dark) {
  body { color: #e6e8eb; background: #15181c }
  h2, nav { color: #9aa4af }
  code { background: #262b31 }
  a { color: #7db7f0 }
}
`;

/** The page of a problem, or undefined when there is no such code. */
export function problemPage(code: string): Page | undefined {
  const problem = findProblem(code);
  if (problem === undefined) return undefined;
  const body = html`<p><code>${code}</code></p>
    <h2>What it means, and what to do</h2>
    <p>${marked(problem.advice)}</p>
    <details>
      <summary>All problems</summary>
      ${list()}
    </details>`;
  return page(problem.title, body);
}

export function notFoundProblemPage(): Page {
  return page(
    "There is no such problem",
    html`<p>These are the problems of this API:</p>
      ${list()}`,
  );
}

function list() {
  const items = PROBLEM_CODES.map(
    (code) =>
      html`<li>
        <a href="/problems/${code}"><code>${code}</code></a>
      </li>`,
  );
  return html`<ul>
    ${items}
  </ul>`;
}

/** Words between backticks, set as code. */
function marked(text: string) {
  return text.split("`").map((words, index) => (index % 2 === 0 ? words : html`<code>${words}</code>`));
}

function page(title: string, body: ReturnType<typeof html>) {
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>${title} – Refrain API</title>
        <link rel="icon" href="${PAGE_ICON}" />
        <style>
          ${raw(STYLE)}
        </style>
      </head>
      <body>
        <nav><a href="/docs">Refrain API</a> / problems</nav>
        <main>
          <h1>${title}</h1>
          ${body}
        </main>
      </body>
    </html>`;
}
