import { TidingsError } from '../errors.ts';
import { findSurvivor } from '../store/merge/merged-users.ts';
import type { TenantDatabase } from '../store/pg/tenant-database.ts';
import { loadPlanUsers, type StoredPlanUser } from '../store/terms.ts';

/** Returns the error for a user in a path that no event has named. */
export function unknownUser(): TidingsError {
  return new TidingsError(
    'not_found',
    'There is no such user; a user is known from the first event on, so send one first.',
    { pointer: 'user_id' },
  );
}

/** Returns a user as the plan sees them; of one that was merged the survivor. @throws TidingsError `not_found` for an unknown user */
export async function requirePlanUser(
  database: TenantDatabase,
  tenantId: string,
  userId: string,
): Promise<StoredPlanUser> {
  const pool = database.forTenant(tenantId);
  const [user] = await loadPlanUsers(pool, [{ tenantId, userId }]);
  if (user) return user;
  const survivor = await findSurvivor(pool, tenantId, userId);
  if (survivor === userId) throw unknownUser();
  return requirePlanUser(database, tenantId, survivor);
}
