import type { Release } from '@tidings/client/types';
import { RELEASE_ACTORS } from '../../../../src/model/release.ts';

const OWN_NAMES: readonly unknown[] = Object.values(RELEASE_ACTORS);

/** Why a release ended: in the words of who ended it, or in those of Tidings, which are English. */
export function EndReason({ release: { ended_by: by, end_reason: reason } }: { release: Release }) {
  return OWN_NAMES.includes(by) ? <span lang="en">{reason}</span> : reason;
}
