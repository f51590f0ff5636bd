/** Bounds of what is tried in a process that answers requests, and shares its time and memory with them. */

import type { UserBounds } from '../store/replay.ts';

/** History of one user that is replayed, at most: some tenths of a second. */
export const DRAFT_BOUNDS: UserBounds = { events: 5000, chars: 8 * 1024 * 1024 };

/** Bytes of earlier versions of the catalog, as they are stored. */
export const DRAFT_CATALOG_BYTES = 16 * 1024 * 1024;

/** Times at which something happens to one user, at most: two weeks of a rule that acts each minute. */
export const DRAFT_STEPS = 20_000;
