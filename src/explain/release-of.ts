import type { Millis } from '../model/event.ts';
import { isReleasedTo } from '../store/releases/active-version.ts';
import { type StoredRelease, toPercent } from '../store/releases/releases.ts';

/** The release that was under way when a decision was made, and what it says about the version. */
export interface ReleaseOfDecision {
  readonly release_id: string;
  /** Percentage of the users at that time. */
  readonly share: number;
  /** Whether the user is one of them. */
  readonly included: boolean;
  readonly reason: string;
}

/**
 * Returns why a version decided about a user while it, or another one, was being released; undefined: no release was under way.
 * @param releases of the tenant
 */
export function findReleaseOf(
  releases: readonly StoredRelease[],
  userId: string,
  { version, at }: { readonly version: number; readonly at: Millis },
): ReleaseOfDecision | undefined {
  const release = releases.find(
    ({ startedAt, endedAt }) => startedAt !== null && startedAt <= at && (endedAt === null || at < endedAt),
  );
  const step = release?.steps.findLast((one) => one.at <= at);
  if (!release || !step) return undefined;
  const { id, fromVersion, toVersion } = release;
  const included = isReleasedTo({ id, share: step.share }, userId);
  const share = toPercent(step.share);
  const expected = included ? toVersion : fromVersion;
  const where = `release ${id} of version ${toVersion} to ${share}% of the users`;
  const reason =
    version === expected
      ? `Version ${version} decided, since the user was ${included ? 'in' : 'not in'} ${where}.`
      : `Version ${version} decided, by which the rule had begun to wait; the user was ${included ? 'in' : 'not in'} ${where}.`;
  return { release_id: id, share, included, reason };
}
