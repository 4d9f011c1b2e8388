import { readFile, stat } from "node:fs/promises";

import { DemoFault } from "./demo-fault.ts";
import { type DemoInput, readMemories } from "./input.ts";

/** Reading holds the whole file in memory. */
const FILE_BYTES_MAX = 100 * 1024 * 1024;

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: "there is no such file",
  EACCES: "you may not read it",
  EPERM: "you may not read it",
  EISDIR: "it is a folder, not a file",
  ENOTDIR: "part of the path is no folder",
};

/**
 * @param path where the file lies.
 * @param shownPath the path as the user wrote it, for sentences.
 * @throws DemoFault when the file is missing, unreadable or broken.
 */
export async function readInputFile(path: string, shownPath: string): Promise<DemoInput> {
  const bytes = await readBytes(path, shownPath);
  try {
    return readMemories(shownPath, new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw new DemoFault(`${shownPath} is not UTF-8 text.`);
  }
}

async function readBytes(path: string, shownPath: string): Promise<Uint8Array> {
  try {
    const { size } = await stat(path);
    if (size > FILE_BYTES_MAX) throw new DemoFault(`${shownPath} is larger than ${FILE_BYTES_MAX / 1024 / 1024} MB.`);
    return await readFile(path);
  } catch (error) {
    if (error instanceof DemoFault) throw error;
    const code = error instanceof Error && "code" in error ? String(error.code) : "";
    throw new DemoFault(`${shownPath} could not be read: ${REASONS[code] ?? String(error)}.`);
  }
}
