import { bucketOf } from '../../lib/bucket-of.ts';
import { type ActiveVersion, type ReleaseUnderWay, SHARE_PARTS } from '../../model/release.ts';

/**
 * Returns the catalog version that decides about a user: that of the release under way for the users of its share, for all others
 * the version before. A larger share has all users of a smaller one.
 */
export function chooseVersion({ version, release }: ActiveVersion, userId: string): number {
  return release !== null && isReleasedTo(release, userId) ? release.version : version;
}

/** Returns whether a user is in the share of a release. */
export function isReleasedTo({ id, share }: Pick<ReleaseUnderWay, 'id' | 'share'>, userId: string): boolean {
  return bucketOf(id, userId, SHARE_PARTS) < share;
}

/** Returns whether the same versions decide about the same users. */
export function isSameActive(a: ActiveVersion, b: ActiveVersion): boolean {
  return a.version === b.version && a.release?.id === b.release?.id && a.release?.share === b.release?.share;
}
