import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  cosinesOf,
  fromBase64,
  joinVectors,
  packVectors,
  pickVectors,
  toBase64,
  VECTORS_PER_BLOCK_MAX,
} from "../../src/domain/vectors/vector-block";

const NEARLY = 1e-6;

const component = fc.double({ min: -1, max: 1, noNaN: true });
const vectorsOf = (dimensions: number) =>
  fc
    .array(component, { minLength: dimensions, maxLength: dimensions })
    .filter((vector) => Math.hypot(...vector) > 0.01)
    .map(unit);
const pair = fc
  .integer({ min: 1, max: 64 })
  .chain((dimensions) => fc.tuple(vectorsOf(dimensions), vectorsOf(dimensions)));

function unit(vector: readonly number[]): number[] {
  const length = Math.hypot(...vector);
  return vector.map((each) => each / length);
}

const dot = (a: readonly number[], b: readonly number[]) => a.reduce((sum, each, at) => sum + each * (b[at] ?? 0), 0);
const greatest = (vector: readonly number[]) => Math.max(...vector.map(Math.abs));

describe("vectors in a block", () => {
  it("keep their cosines within what a byte a component allows", () => {
    fc.assert(
      fc.property(pair, ([query, vector]) => {
        const [cosine = Number.NaN] = cosinesOf(Float32Array.from(query), packVectors([vector]));
        // Half a step of each component, as a share of the vector's length; a cosine moves by twice that at most.
        const step = greatest(vector) / 127;
        const bound = Math.sqrt(vector.length) * step;
        expect(Math.abs(cosine - dot(query, vector))).toBeLessThanOrEqual(bound + NEARLY);
      }),
      { numRuns: 500 },
    );
  });

  it("of the size that models make lose less than a hundredth", () => {
    const dimensions = 768;
    const wave = (shift: number) =>
      unit(Array.from({ length: dimensions }, (_, at) => Math.sin(at * 12.9898 + shift * 78.233) ** 3));
    for (let shift = 0; shift < 50; shift += 1) {
      const [a, b] = [wave(shift), wave(shift + 0.3)];
      const [cosine = Number.NaN] = cosinesOf(Float32Array.from(a), packVectors([b]));
      expect(Math.abs(cosine - dot(a, b))).toBeLessThan(0.01);
    }
  });

  it("are nearest to themselves", () => {
    fc.assert(
      fc.property(pair, ([vector]) => {
        const [cosine = 0] = cosinesOf(Float32Array.from(vector), packVectors([vector]));
        expect(cosine).toBeGreaterThan(0.99);
        expect(cosine).toBeLessThanOrEqual(1);
      }),
    );
  });

  it("come back from their text as they were, however many", () => {
    fc.assert(
      fc.property(fc.int8Array({ maxLength: 20_000 }), (packed) => {
        expect(fromBase64(toBase64(packed))).toEqual(packed);
      }),
    );
  });

  it("fit into a row with the dimensions of any model", () => {
    const packed = new Int8Array(VECTORS_PER_BLOCK_MAX * 4_096);
    expect(toBase64(packed).length).toBeLessThan(1_000_000);
  });

  it("can be picked and joined, each with its own components", () => {
    const packed = Int8Array.of(1, 2, 3, 4, 5, 6);
    expect(pickVectors(packed, 2, [2, 0])).toEqual(Int8Array.of(5, 6, 1, 2));
    expect(joinVectors([Int8Array.of(1, 2), Int8Array.of(), Int8Array.of(3)])).toEqual(Int8Array.of(1, 2, 3));
  });

  it("without a direction are like nothing", () => {
    expect([...cosinesOf(Float32Array.of(1, 0), packVectors([[0, 0]]))]).toEqual([0]);
  });
});
