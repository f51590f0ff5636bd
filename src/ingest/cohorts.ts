import type { ActiveCatalogs } from '../catalog/cache.ts';
import type { Catalog } from '../catalog/compile/compile-catalog.ts';
import type { ReleaseUnderWay } from '../model/release.ts';
import { isReleasedTo } from '../store/releases/active-version.ts';

/** Users that one catalog version decides about. */
export interface Cohort {
  readonly catalog: Catalog;
  has(userId: string): boolean;
  /** Returns those that are about its users, in their order. */
  pick<T extends { readonly userId: string }>(all: readonly T[]): readonly T[];
}

/** The cohorts of a tenant: one, or two during a release. Each user is in one of them. */
export interface Cohorts {
  /** The one of the version before comes first. */
  readonly all: readonly Cohort[];
  /** The one of all users that a release leaves out. */
  readonly base: Cohort;
  /** The release under way; undefined: none is. */
  readonly release: ReleaseUnderWay | undefined;
  of(userId: string): Cohort;
}

/** Returns the cohorts of the active versions. */
export function toCohorts({ active: { release }, base, released }: ActiveCatalogs): Cohorts {
  if (release === null || released === undefined) {
    const only: Cohort = { catalog: base, has: () => true, pick: (all) => all };
    return { all: [only], base: only, release: undefined, of: () => only };
  }
  const known = new Map<string, boolean>();
  const isReleased = (userId: string) => {
    let found = known.get(userId);
    if (found === undefined) {
      found = isReleasedTo(release, userId);
      known.set(userId, found);
    }
    return found;
  };
  const before = toCohort(base, (userId) => !isReleased(userId));
  const after = toCohort(released, isReleased);
  return { all: [before, after], base: before, release, of: (userId) => (isReleased(userId) ? after : before) };
}

function toCohort(catalog: Catalog, has: (userId: string) => boolean): Cohort {
  return { catalog, has, pick: (all) => all.filter(({ userId }) => has(userId)) };
}
