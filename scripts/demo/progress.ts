import { Presets, SingleBar } from "cli-progress";

import { formatCount } from "./layout.ts";

const BAR_WIDTH = 32;
/** Without a terminal a line is printed each time that another tenth is done. */
const PLAIN_STEPS = 10;

export interface Progress {
  update(done: number, total: number, perSecond: number): void;
  /** Gives the terminal its cursor back. The next update begins anew. */
  end(): void;
}

/** A bar that stays as it stands when it ends; without a terminal, lines. */
export function createProgress(stream: NodeJS.WriteStream): Progress {
  return stream.isTTY ? createBar(stream, { clear: false }) : createPlainProgress(stream);
}

/** A bar that goes when it ends; without a terminal, nothing. */
export function createPassingProgress(stream: NodeJS.WriteStream): Progress {
  return stream.isTTY ? createBar(stream, { clear: true }) : { update: () => undefined, end: () => undefined };
}

function createBar(stream: NodeJS.WriteStream, { clear }: { readonly clear: boolean }): Progress {
  let bar: SingleBar | undefined;
  return {
    update: (done, total, perSecond) => {
      const payload = { of: `${formatCount(done)} of ${formatCount(total)}`, rate: `${formatCount(perSecond)}/s` };
      if (bar === undefined) {
        const format = "  [{bar}] {percentage} %  {of}  {rate}";
        bar = new SingleBar(
          { stream, format, barsize: BAR_WIDTH, hideCursor: true, clearOnComplete: clear },
          Presets.legacy,
        );
        bar.start(total, done, payload);
      }
      bar.update(done, payload);
    },
    end: () => {
      bar?.stop();
      bar = undefined;
    },
  };
}

function createPlainProgress(stream: NodeJS.WriteStream): Progress {
  let stepsShown = -1;
  return {
    update: (done, total, perSecond) => {
      const steps = Math.floor((done / total) * PLAIN_STEPS);
      if (steps === stepsShown) return;
      stepsShown = steps;
      const percent = `${Math.floor((done / total) * 100)} %`.padStart(7);
      stream.write(`${percent}  ${formatCount(done)} of ${formatCount(total)}  ${formatCount(perSecond)}/s\n`);
    },
    end: () => {
      stepsShown = -1;
    },
  };
}
