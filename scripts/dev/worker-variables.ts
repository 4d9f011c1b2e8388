import { parseEnv } from "node:util";

import { parse } from "smol-toml";
import { z } from "zod";

const WranglerVariables = z.object({ vars: z.record(z.string(), z.unknown()).default({}) });

/** An optional variable stands in the example as a comment: `# NAME=value`. */
const COMMENTED_ASSIGNMENT = /^#\s*([A-Z][A-Z0-9_]*)=/gm;

/**
 * The names of all variables that the Worker knows: `[vars]` of wrangler.toml, and what .dev.vars.example sets or
 * shows as a comment. These two files are the only lists, so a new variable reaches `npm run dev` by itself.
 */
export function workerVariableNames(wranglerToml: string, devVarsExample: string): readonly string[] {
  const names = new Set([
    ...Object.keys(WranglerVariables.parse(parse(wranglerToml)).vars),
    ...Object.keys(parseEnv(devVarsExample)),
  ]);
  for (const match of devVarsExample.matchAll(COMMENTED_ASSIGNMENT)) if (match[1]) names.add(match[1]);
  return [...names].toSorted();
}

/**
 * wrangler's arguments that hand the named variables of `environment` to the Worker. wrangler does not do this by
 * itself: without `--var` the Worker sees only .dev.vars and wrangler.toml. A variable that is set but empty is
 * handed over too.
 */
export function variableArguments(names: readonly string[], environment: NodeJS.ProcessEnv): readonly string[] {
  return names.flatMap((name) => {
    const value = environment[name];
    return value === undefined ? [] : ["--var", `${name}:${value}`];
  });
}

/** The admin key that the Worker will accept, in wrangler's own order of precedence; undefined when none is set. */
export function adminKeyInForce(environment: NodeJS.ProcessEnv, devVars: string): string | undefined {
  return environment["ADMIN_KEY"] ?? parseEnv(devVars)["ADMIN_KEY"];
}
