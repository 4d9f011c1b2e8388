import { existsSync, readdirSync, readFileSync } from "node:fs";

/** Signals every process of the group (0 only asks). False when there is none any more. */
export function signalGroup(group: number | undefined, signal: NodeJS.Signals | 0): boolean {
  if (group === undefined) return false;
  try {
    return process.kill(-group, signal);
  } catch {
    return false;
  }
}

/** The living processes of a group. Dead ones that nobody has collected yet do not count. */
export function membersOfGroup(group: number): readonly number[] {
  if (!existsSync("/proc/self/stat")) return signalGroup(group, 0) ? [group] : [];
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  return pids.map(Number).filter((pid) => {
    const [state, , pgrp] = statOf(pid);
    return Number(pgrp) === group && state !== "Z" && state !== "X";
  });
}

/** State, parent, process group, and so on; nothing when the process has ended. */
function statOf(pid: number): readonly string[] {
  try {
    // The name of the program stands in brackets before, and may hold spaces itself.
    return readFileSync(`/proc/${pid}/stat`, "utf8").split(") ").at(-1)?.split(" ") ?? [];
  } catch {
    return [];
  }
}
