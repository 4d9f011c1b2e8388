import { BenchFault } from "./bench-fault.ts";

/** The whole number that an option gives, else its default. @throws BenchFault when it gives none. */
export function aboveZero(name: string, value: string | undefined, fallback: number): number {
  const number = Number(value ?? fallback);
  if (Number.isInteger(number) && number > 0) return number;
  throw new BenchFault(`--${name} must be a whole number above 0, not "${value}".`);
}
