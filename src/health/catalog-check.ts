import type { Millis } from '../model/event.ts';
import { type HealthCheck, OK } from './check.ts';

const MAX_AGE_MS: Millis = 5000;

/** The cause of a directory that is as it should be, and waits. */
export const WAITS_FOR_RELEASE = 'the catalog directory has changed, and waits for a release of another version to end';

/** Why the catalog directory could not be applied after a change. */
export interface DirectoryProblem {
  readonly since: Millis;
  readonly cause: string;
}

/**
 * Checks that a catalog is active, and that it is that of the directory.
 * @param loadVersion returns its version; 0: no catalog was applied
 * @param findProblem returns undefined if the last change of the directory was applied, or it is not watched
 */
export function checkCatalog(
  loadVersion: () => Promise<number>,
  findProblem: () => DirectoryProblem | undefined,
): HealthCheck {
  return {
    name: 'catalog',
    maxAge: MAX_AGE_MS,
    whenUnknown: 'degraded',
    async run() {
      const problem = findProblem();
      if (problem) {
        return {
          status: 'degraded',
          ...problem,
          hint:
            problem.cause === WAITS_FOR_RELEASE
              ? 'finish the release, or roll it back (`tidings release status`): then the directory is applied'
              : 'correct the catalog directory (`tidings check DIR`); the log has the details, and the active version stays',
        };
      }
      if ((await loadVersion()) > 0) return OK;
      return {
        status: 'degraded',
        cause: 'no catalog was applied, so that no rule fires',
        hint: 'apply one with `tidings apply DIR`, or start Tidings with TIDINGS_CATALOG',
      };
    },
  };
}
