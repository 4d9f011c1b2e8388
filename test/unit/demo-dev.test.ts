import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";

import { adminKeyInForce, variableArguments, workerVariableNames } from "../../scripts/dev/worker-variables.ts";

const WRANGLER_TOML = `
name = "service"
[vars]
LEASE_SECONDS = "60"
LIMITS = { parts = 4 }
[[queues.producers]]
binding = "BELLS"
`;
const DEV_VARS_EXAMPLE = `
# The key: copied by the script.
ADMIN_KEY="dev-admin-key"
# KEY_PEPPER=optional
LEASE_SECONDS=5
`;

describe("npm run dev, the Worker's variables", () => {
  it("knows them from wrangler.toml and .dev.vars.example, optional ones too, each once", () => {
    expect(workerVariableNames(WRANGLER_TOML, DEV_VARS_EXAMPLE)).toEqual([
      "ADMIN_KEY",
      "KEY_PEPPER",
      "LEASE_SECONDS",
      "LIMITS",
    ]);
  });

  it("knows the settings of reservations and placement, though the secret among them has no value by default", () => {
    const [toml, example] = ["wrangler.toml", ".dev.vars.example"].map((name) => readFileSync(name, "utf8"));
    expect(workerVariableNames(toml ?? "", example ?? "")).toEqual(
      expect.arrayContaining(["REQUEST_OBJECTS", "SERVER_KEYS"]),
    );
  });

  it("knows none without [vars] and with an empty example", () => {
    expect(workerVariableNames('name = "service"', "")).toEqual([]);
  });

  it("hands over what the environment sets, empty values too, and nothing else", () => {
    const environment = { LEASE_SECONDS: "7", ADMIN_KEY: "a:b=c", KEY_PEPPER: "", HOME: "/home" };

    expect(variableArguments(["ADMIN_KEY", "KEY_PEPPER", "LEASE_SECONDS", "LIMITS"], environment)).toEqual([
      "--var",
      "ADMIN_KEY:a:b=c",
      "--var",
      "KEY_PEPPER:",
      "--var",
      "LEASE_SECONDS:7",
    ]);
  });

  it("prints the key of the environment before that of .dev.vars", () => {
    expect(adminKeyInForce({ ADMIN_KEY: "mine" }, DEV_VARS_EXAMPLE)).toBe("mine");
    expect(adminKeyInForce({}, DEV_VARS_EXAMPLE)).toBe("dev-admin-key");
    expect(adminKeyInForce({}, "")).toBeUndefined();
  });
});
