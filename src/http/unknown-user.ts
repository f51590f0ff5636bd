import { TidingsError } from '../errors.ts';
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

/** Returns a user as the plan sees them. @throws TidingsError `not_found` for an unknown user */
export async function requirePlanUser(
  database: TenantDatabase,
  tenantId: string,
  userId: string,
): Promise<StoredPlanUser> {
  const [user] = await loadPlanUsers(database.forTenant(tenantId), [{ tenantId, userId }]);
  if (!user) throw unknownUser();
  return user;
}
