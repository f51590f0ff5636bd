import type pg from 'pg';
import type { Millis } from '../model/event.ts';
import { listEmailStandings } from '../store/receipts/email-standings.ts';
import { type HealthCheck, OK } from './check.ts';

const MAX_AGE_MS: Millis = 5000;
/** Tenants and types that the cause names, at most. */
const MAX_NAMED = 3;

/** Checks that no email bounces or is complained about too often. */
export function checkEmail(pool: pg.Pool, clock: () => Millis): HealthCheck {
  return {
    name: 'email',
    maxAge: MAX_AGE_MS,
    whenUnknown: 'degraded',
    async run() {
      const found = await listEmailStandings(pool, null, clock());
      if (found.length === 0) return OK;
      const named = found.slice(0, MAX_NAMED).map(({ tenantId, notificationType, pausedAt, cause }) => {
        const what = notificationType === '' ? 'all types' : notificationType;
        return `${tenantId} (${what}): ${cause}${pausedAt === null ? '' : ', paused'}`;
      });
      const others = found.length > MAX_NAMED ? ` and ${found.length - MAX_NAMED} more` : '';
      return {
        status: 'degraded',
        since: Math.min(...found.map(({ alertedAt }) => alertedAt)),
        cause: `${named.join('; ')}${others}`,
        hint: 'see `tidings sending`; clean the list of addresses, then `tidings sending resume`',
      };
    },
  };
}
