/** A tenant. Nothing is seen from one namespace to another. */
export interface Namespace {
  readonly id: string;
  readonly name: string;
  readonly createdAtMs: number;
}

/** The namespace in which the admin key acts. A migration makes it; nothing renames or removes it. */
export const DEFAULT_NAMESPACE_NAME = "default";
