import { readdirSync, readFileSync } from "node:fs";

/** Linux counts in hundredths of a second, whatever the kernel's own clock does. */
const TICK_MS = 10;
const PARENT_FIELD = 1;
const USER_FIELD = 11;
const SYSTEM_FIELD = 12;

/** The processor time that the runtimes which this process has started have used so far, in ms; null where nobody tells. */
export function runtimeCpuMs(): number | null {
  try {
    const stats = readdirSync("/proc")
      .filter((name) => /^\d+$/u.test(name))
      .map(statOf);
    const runtimes = stats.filter(
      ({ name, fields }) => name === "workerd" && fields[PARENT_FIELD] === String(process.pid),
    );
    const ticks = runtimes.map(({ fields }) => Number(fields[USER_FIELD]) + Number(fields[SYSTEM_FIELD]));
    return ticks.length === 0 ? null : ticks.reduce((total, each) => total + each, 0) * TICK_MS;
  } catch {
    return null;
  }
}

/** The fields that come after the name of the program, which stands in brackets and may hold spaces itself. */
function statOf(pid: string): { readonly name: string; readonly fields: readonly string[] } {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const [head, tail] = [stat.slice(0, stat.lastIndexOf(")")), stat.slice(stat.lastIndexOf(")") + 2)];
    return { name: head.slice(head.indexOf("(") + 1), fields: tail.split(" ") };
  } catch {
    // It has ended meanwhile.
    return { name: "", fields: [] };
  }
}
