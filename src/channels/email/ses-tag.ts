/** Characters of a tag (`MessageTag` of SES). */
const MAX_TAG_CHARS = 256;

/** Returns our reference as the value of a tag, which may have letters, digits, `_` and `-` only. */
export function toReferenceTag(reference: string): string {
  return Buffer.from(reference).toString('base64url').slice(0, MAX_TAG_CHARS);
}

/** Returns the reference of a tag. */
export function readReferenceTag(tag: string): string {
  return Buffer.from(tag, 'base64url').toString('utf8');
}
