/** Whatever JSON object the client keeps with a thing; never interpreted. */
export type Metadata = Readonly<Record<string, unknown>>;
/** As JSON. */
export const METADATA_MAX_CHARACTERS = 16_384;
export const METADATA_KEY_MAX_CHARACTERS = 200;
