import { HttpProblem } from "./problem";

/** A version as a strong entity tag, RFC 9110, section 8.8.3. */
export function etagOf(version: number): string {
  return `"${version}"`;
}

const TAGS_MAX = 20;
const ENTITY_TAG = /^(?:W\/)?"[\x21\x23-\x7e\x80-\xff]*"$/;
const VERSION_TAG = /^"([1-9]\d{0,14})"$/;

/**
 * The versions that `If-Match` names, or null where it allows any. A tag that is none of ours, or weak, matches nothing
 * (RFC 9110, section 13.1.1).
 * @throws HttpProblem 400 `header-invalid`
 */
export function versionsOf(ifMatch: string | undefined): readonly number[] | null {
  const header = ifMatch?.trim();
  if (header === undefined || header === "*") return null;
  const tags = header.split(",").map((tag) => tag.trim());
  if (tags.length > TAGS_MAX || !tags.every((tag) => ENTITY_TAG.test(tag)))
    throw new HttpProblem(400, "header-invalid", 'If-Match must be * or the ETag as it was given, such as "3".');
  return tags.flatMap((tag) => {
    const version = VERSION_TAG.exec(tag)?.[1];
    return version === undefined ? [] : [Number(version)];
  });
}
