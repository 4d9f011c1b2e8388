import type { Placements } from "../../src/runtime/config/placement";

let placements: Placements | undefined;

/** What objects that wake up from now on take for the placement, instead of what the project says. */
export function setObjectPlacements(deployed: Placements | undefined): void {
  placements = deployed;
}

export function objectPlacements(): Placements | undefined {
  return placements;
}
