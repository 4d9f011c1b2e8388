/** The widest line that any terminal shows without breaking it. */
export const WIDTH = 80;

const COLUMN_GAP = "   ";

/** One line of text from outside: without line breaks, and without control characters that a terminal would obey. */
export function toPlainLine(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\s]+/gu, " ").trim();
}

/** Breaks a text at its spaces, and a word at the width. What exceeds `linesMax` lines ends in "...". */
export function wrap(text: string, width: number, linesMax: number): readonly string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of toPlainLine(text)
    .split(" ")
    .flatMap((long) => chunk(long, width))) {
    if (line !== "" && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else {
      line = line === "" ? word : `${line} ${word}`;
    }
    if (lines.length > linesMax) break;
  }
  lines.push(line);
  if (lines.length <= linesMax) return lines;
  const last = lines[linesMax - 1] ?? "";
  return [...lines.slice(0, linesMax - 1), `${last.slice(0, width - 4).trimEnd()} ...`];
}

/** Columns of texts side by side, each under its title. */
export function sideBySide(
  columns: readonly { readonly title: string; readonly text: string }[],
  width: number,
  linesMax: number,
): readonly string[] {
  const columnWidth = Math.floor((width - COLUMN_GAP.length * (columns.length - 1)) / columns.length);
  const cells = columns.map(({ title, text }) => [
    toPlainLine(title).slice(0, columnWidth),
    "-".repeat(columnWidth),
    ...wrap(text, columnWidth, linesMax),
  ]);
  const height = Math.max(...cells.map((lines) => lines.length));
  return Array.from({ length: height }, (_, row) =>
    cells
      .map((lines) => (lines[row] ?? "").padEnd(columnWidth))
      .join(COLUMN_GAP)
      .trimEnd(),
  );
}

/** Rows with their first column to the left and all others, figures, to the right. */
export function table(rows: readonly (readonly string[])[]): readonly string[] {
  const widths = rows.reduce<number[]>(
    (widest, row) => row.map((cell, column) => Math.max(widest[column] ?? 0, cell.length)),
    [],
  );
  return rows.map((row) =>
    row
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0)))
      .join("  ")
      .trimEnd(),
  );
}

/** Cuts a text that is only a name. */
export function shorten(text: string, lengthMax: number): string {
  const line = toPlainLine(text);
  return line.length <= lengthMax ? line : `${line.slice(0, lengthMax - 3).trimEnd()}...`;
}

export function formatCount(count: number): string {
  return Math.round(count).toLocaleString("en");
}

/** A share of 1 in percent. Never rounded up to 100: that would hide the one memory that is flagged. */
export function formatShare(share: number): string {
  return `${(Math.floor(share * 1000) / 10).toFixed(1)} %`;
}

function chunk(word: string, width: number): readonly string[] {
  const chunks = [];
  for (let start = 0; start < word.length; start += width) chunks.push(word.slice(start, start + width));
  return chunks;
}
