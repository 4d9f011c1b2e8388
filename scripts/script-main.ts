import { tellEnd } from "./interruption.ts";

interface Asked {
  readonly json: boolean;
  readonly help: boolean;
}

/** A script that tells what it does as events, of which the last is its summary. */
interface Script<O extends Asked, E, S extends E & { readonly ok: boolean }> {
  readonly usage: string;
  /** @throws an explained fault when they are wrong. */
  readonly readOptions: () => O;
  /** For people and pipes; `--json` writes one object a line. */
  readonly createOutput: (stream: NodeJS.WriteStream) => (event: E | ErrorEvent) => void;
  readonly run: (options: O, emit: (event: E | ErrorEvent) => void) => Promise<S>;
  /** Whether the sentence of a fault says enough, without a stack. */
  readonly isExplained: (cause: unknown) => boolean;
}

interface ErrorEvent {
  readonly event: "error";
  readonly message: string;
}

/** @returns the exit code: 0 when all is well. */
export async function scriptMain<O extends Asked, E, S extends E & { readonly ok: boolean }>(
  script: Script<O, E, S>,
): Promise<number> {
  let emit: ((event: E | ErrorEvent) => void) | undefined;
  try {
    const options = script.readOptions();
    if (options.help) {
      process.stdout.write(script.usage);
      return 0;
    }
    emit = options.json
      ? (event) => void process.stdout.write(`${JSON.stringify(event)}\n`)
      : script.createOutput(process.stdout);
    const summary = await script.run(options, emit);
    emit(summary);
    return summary.ok ? 0 : 1;
  } catch (error) {
    const tell = (message: string): void => emit?.({ event: "error", message });
    return tellEnd(error, { isExplained: script.isExplained, tell });
  }
}
