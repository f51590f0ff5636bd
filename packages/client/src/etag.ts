const etags = new WeakMap<object, string>();

/**
 * Returns the etag with which Tidings answered a result, for `ifMatch` of the change that follows. Undefined: what was read has
 * no revision, or is a copy of the result.
 */
export function etagOf(result: object): string | undefined {
  return etags.get(result);
}

/** Keeps the etag of a result beside it, so that results stay plain data. */
export function keepEtag(result: unknown, etag: string | undefined): void {
  if (etag === undefined || typeof result !== 'object' || result === null) return;
  // A proxy that compresses makes the etag weak. The revision is the same, and If-Match takes strong ones alone.
  etags.set(result, etag.replace(/^W\//, ''));
}
