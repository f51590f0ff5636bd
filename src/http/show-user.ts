import type pg from 'pg';
import { TidingsError } from '../errors.ts';
import { loadMerges } from '../store/merge/merged-users.ts';
import { loadProfile, type ProfileView } from '../store/users.ts';

/** Returns a user as the API shows it; of one that was merged the survivor. @throws TidingsError `not_found` */
export async function showUser(
  pool: pg.Pool,
  tenantId: string,
  userId: string,
): Promise<ProfileView & { readonly user_id: string }> {
  const profile = await loadProfile(pool, tenantId, userId);
  const merge = profile ? undefined : (await loadMerges(pool, tenantId, [userId])).get(userId);
  // A survivor is never merged: it has no merge of its own.
  if (merge) return showUser(pool, tenantId, merge.into);
  if (!profile) throw new TidingsError('not_found', 'There is no such user.', { pointer: 'user_id' });
  return { user_id: userId, ...profile };
}
