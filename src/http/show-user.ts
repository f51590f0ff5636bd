import type pg from 'pg';
import { TidingsError } from '../errors.ts';
import { loadProfile, type ProfileView } from '../store/users.ts';

/** Returns a user as the API shows it. @throws TidingsError `not_found` */
export async function showUser(
  pool: pg.Pool,
  tenantId: string,
  userId: string,
): Promise<ProfileView & { readonly user_id: string }> {
  const profile = await loadProfile(pool, tenantId, userId);
  if (!profile) throw new TidingsError('not_found', 'There is no such user.', { pointer: 'user_id' });
  return { user_id: userId, ...profile };
}
