import { describe, expect, it } from "vitest";
import { readConfig } from "../../../src/runtime/config/config";
import { putKeysOf } from "../../../src/runtime/adapters/put-keys";

const ADMIN_KEY = "an-admin-key";
const ID = "task_1f0c9a7e5b3d8f6a9c2e4b6d8f0a1c3e";

const keysOf = (variables: object) => putKeysOf(readConfig({ ADMIN_KEY, ...variables }).serverKeys);

describe("put keys", () => {
  it("are the same for the same id, and differ from id to id", async () => {
    const keys = keysOf({ SERVER_KEYS: "1:old-secret" });
    expect(await keys.make(ID)).toBe(await keys.make(ID));
    expect(await keys.make(ID)).not.toBe(await keys.make(`${ID}0`));
  });

  it("fit their id, and no other", async () => {
    const keys = keysOf({ SERVER_KEYS: "1:old-secret" });
    expect(await keys.isRight(ID, await keys.make(ID))).toBe(true);
    expect(await keys.isRight(`${ID}0`, await keys.make(ID))).toBe(false);
  });

  it("differ from secret to secret, and stay unknown to a service with another", async () => {
    const [one, other] = [keysOf({ SERVER_KEYS: "1:one-secret" }), keysOf({ SERVER_KEYS: "1:other-secret" })];
    expect(await one.make(ID)).not.toBe(await other.make(ID));
    expect(await one.isRight(ID, await other.make(ID))).toBe(false);
  });

  it("stay right after a rotation, while new ones are of the new version", async () => {
    const old = await keysOf({ SERVER_KEYS: "1:old-secret" }).make(ID);
    const keys = keysOf({ SERVER_KEYS: "2:new-secret,1:old-secret" });
    const made = await keys.make(ID);
    expect([old, made]).toEqual([expect.stringMatching(/^1\./), expect.stringMatching(/^2\./)]);
    expect([await keys.isRight(ID, old), await keys.isRight(ID, made)]).toEqual([true, true]);
  });

  it("of a secret that was taken out are wrong, also under another version", async () => {
    const old = await keysOf({ SERVER_KEYS: "1:old-secret" }).make(ID);
    const keys = keysOf({ SERVER_KEYS: "2:new-secret" });
    expect(await keys.isRight(ID, old)).toBe(false);
    expect(await keys.isRight(ID, old.replace("1.", "2."))).toBe(false);
  });

  it("are derived from the admin key where no secret is set", async () => {
    const made = await keysOf({}).make(ID);
    expect(made).toMatch(/^0\./);
    expect(await keysOf({}).isRight(ID, made)).toBe(true);
    expect(await keysOf({ ADMIN_KEY: "another-admin-key" }).isRight(ID, made)).toBe(false);
    expect(await keysOf({ SERVER_KEYS: `1:new-secret,0:${ADMIN_KEY}` }).isRight(ID, made)).toBe(true);
  });

  it("are derived from the admin key where the variable is empty, as an unset one is handed over", async () => {
    expect(await keysOf({ SERVER_KEYS: "" }).make(ID)).toBe(await keysOf({}).make(ID));
  });

  it("may have secrets with colons", async () => {
    const keys = keysOf({ SERVER_KEYS: "3:a:b:c:d:e:f" });
    expect(await keys.isRight(ID, await keys.make(ID))).toBe(true);
  });

  it("work with every version that the setting takes", async () => {
    const keys = keysOf({ SERVER_KEYS: "999999999:long-secret" });
    expect(await keys.isRight(ID, await keys.make(ID))).toBe(true);
  });

  it.each([
    "secret-alone",
    "1:short",
    "one:a-long-secret",
    "1:a-long-secret,",
    "1:a-long-secret,1:another-secret",
    "1234567890:a-long-secret",
  ])("are not made from the setting %j: it is refused", (setting) => {
    expect(() => readConfig({ ADMIN_KEY, SERVER_KEYS: setting })).toThrow(/SERVER_KEYS/);
  });
});
