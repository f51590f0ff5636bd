import { useQuery } from '@tanstack/react-query';
import type { DraftCheck } from '@tidings/client/types';
import { checkDraft } from '../api/drafts.ts';
import type { Draft } from './draft.ts';
import { useDelayed } from './use-delayed.ts';

/** Time (ms) without a key after which the draft is checked. */
const CHECK_AFTER_MS = 400;

export const NO_PROBLEMS: DraftCheck['problems'] = [];

/** Checks a draft while it is edited; null: there is nothing to check. */
export function useDraftCheck(draft: Draft | null) {
  const checked = useDelayed(draft?.files, CHECK_AFTER_MS);
  const query = useQuery({
    queryKey: ['draft', 'check', checked],
    queryFn: () => checkDraft(checked ?? {}),
    enabled: draft !== null && checked !== undefined,
    // The problems found before stay until the next answer.
    placeholderData: (before) => before,
    gcTime: 0,
    retry: false,
  });
  return { ...query, checked };
}
