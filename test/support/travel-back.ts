import { afterEach } from "vitest";
import { travelBack } from "./clock";

// Each test begins at the present time.
afterEach(() => travelBack());
