import { readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";

import { MuseumFault } from "./museum-fault.ts";

/** Tests that must fail on a bug: a file, and where it is given a part of their names. */
export interface Killer {
  readonly file: string;
  readonly project: string;
  readonly testName: string | undefined;
}

/** A bug that is planted: a patch, and a header before it that says where it comes from and what must notice it. */
export interface Bug {
  readonly name: string;
  readonly path: string;
  readonly title: string;
  readonly source: string;
  readonly killers: readonly Killer[];
}

const DEFAULT_PROJECT = "workers";
const KILLER = /^(\S+\.test\.ts)(?: --project (\S+))?(?: -t "([^"]+)")?$/;

/** The bugs of a folder, in the order of their names. @throws MuseumFault for a header that cannot be read. */
export function readBugs(folder: string): readonly Bug[] {
  const files = readdirSync(folder).filter((file) => file.endsWith(".patch"));
  return files.toSorted().map((file) => readBug(join(folder, file)));
}

function readBug(path: string): Bug {
  const [head = ""] = readFileSync(path, "utf8").split(/^diff --git /m);
  const lines = head.split("\n").filter((line) => line !== "");
  const [first = "", second = "", ...others] = lines.map((line) => line.replace(/^# /, ""));
  const source = /^from: (.+)$/.exec(second)?.[1];
  const name = basename(path, ".patch");
  if (first === "" || source === undefined || others.length === 0)
    throw new MuseumFault(`${name}: its header must say # <title>, # from: <source>, and # kills: <tests>.`);
  return { name, path, title: first, source, killers: others.map((line) => readKiller(name, line)) };
}

function readKiller(name: string, line: string): Killer {
  const [, file, project = DEFAULT_PROJECT, testName] = KILLER.exec(line.replace(/^kills: /, "")) ?? [];
  if (file === undefined)
    throw new MuseumFault(`${name}: cannot read "${line}". Write: kills: <file> [--project <project>] [-t "<name>"]`);
  return { file, project, testName };
}
