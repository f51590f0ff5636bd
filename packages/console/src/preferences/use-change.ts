import { useQueryClient } from '@tanstack/react-query';
import type { PreferenceChange } from '@tidings/client/types';
import { changePreferences } from '../api/users.ts';
import { t } from '../text/text.ts';

/** Returns what changes the preferences of a user, and shows them anew. It resolves to what is said then. */
export function useChange(userId: string): (change: PreferenceChange) => Promise<string> {
  const queries = useQueryClient();
  return async (change) => {
    const preferences = await changePreferences(userId, change);
    queries.setQueryData(['preferences', userId], preferences);
    return t('Changed for {user}.', { user: userId });
  };
}
