import { useQuery } from '@tanstack/react-query';
import type { Profile } from '@tidings/client/types';
import { getLatestAudit } from '../api/audit.ts';

const POLL_MS = 10_000;

export interface KnownUser {
  /** Null: no event of the user was accepted. */
  readonly profile: Profile | null;
  readonly isKnown: boolean;
}

/** Loads who a user is. Every tab of their page shares it. */
export function useUser(userId: string) {
  return useQuery({
    queryKey: ['user', userId],
    queryFn: async (): Promise<KnownUser> => {
      const { profile, recent_events: events } = await getLatestAudit(userId);
      return { profile, isKnown: profile !== null || events.length > 0 };
    },
    meta: { topics: ['events'], every: POLL_MS },
  });
}
