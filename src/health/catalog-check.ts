import type { Millis } from '../model/event.ts';
import { type HealthCheck, OK } from './check.ts';

const MAX_AGE_MS: Millis = 5000;

/** Checks that a catalog is active. @param loadVersion returns its version; 0: no catalog was applied */
export function checkCatalog(loadVersion: () => Promise<number>): HealthCheck {
  return {
    name: 'catalog',
    maxAge: MAX_AGE_MS,
    whenUnknown: 'degraded',
    async run() {
      if ((await loadVersion()) > 0) return OK;
      return {
        status: 'degraded',
        cause: 'no catalog was applied, so that no rule fires',
        hint: 'apply one with `tidings apply DIR`, or start Tidings with TIDINGS_CATALOG',
      };
    },
  };
}
