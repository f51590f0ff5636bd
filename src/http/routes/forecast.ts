import { TidingsError } from '../../errors.ts';
import type { ForecastEntry } from '../../forecast/entry.ts';
import { type Forecast, forecastUser } from '../../forecast/forecast.ts';
import { FairShare } from '../../lib/concurrency/fair-share.ts';
import { Turns } from '../../lib/concurrency/turns.ts';
import type { Millis } from '../../model/event.ts';
import { toLocalTime } from '../../time/calendar.ts';
import { isoTime } from '../../time/iso-time.ts';
import type { App, HttpDependencies } from '../app.ts';
import { toHoldSources } from '../hold-sources.ts';
import { forecast, forecastQuery } from '../schemas/forecast.ts';
import { userParams } from '../schemas/user-requests.ts';
import { showUser } from '../show-user.ts';

/** Forecasts that this process makes at once: each holds a connection, and takes CPU time. */
const MAX_FORECASTS = 2;
/** Forecasts that wait or are made, at most; tenants take turns. */
const MAX_WAITING = 40;

/** Messages that a user will get. */
export function registerForecastRoutes(app: App, dependencies: HttpDependencies): void {
  const { database, catalogs, seal, clock, leaving } = dependencies;
  const turns = new Turns(MAX_FORECASTS);
  const waiting = new FairShare(MAX_WAITING);
  app.get(
    '/api/v1/users/:user_id/forecast',
    {
      config: { scope: 'decisions:read', errors: ['not_found', 'overloaded'] },
      schema: {
        operationId: 'forecastUser',
        summary: 'Forecast what a user will get if nothing else happens',
        tags: ['users'],
        params: userParams,
        querystring: forecastQuery,
        response: { 200: forecast },
      },
    },
    async ({ principal: { tenantId }, params, query: { days } }) => {
      const pool = database.forTenant(tenantId);
      // The survivor, if the user was merged.
      const { user_id: userId } = await showUser(pool, tenantId, params.user_id);
      if (!waiting.fits(tenantId, 1)) {
        throw new TidingsError('overloaded', 'More forecasts are waiting than can be made soon.', { retryAfter: 5 });
      }
      waiting.hold(tenantId, 1);
      const holds = toHoldSources(dependencies, tenantId);
      const parts = { pool, catalogs, seal, clock, holds, ...(leaving && { leaving }) };
      const found = await new Promise<Forecast>((resolve, reject) => {
        turns.run(tenantId, () => forecastUser(parts, { tenantId, userId, days }).then(resolve, reject));
      }).finally(() => waiting.release(tenantId, 1));
      return { user_id: userId, ...toView(found) };
    },
  );
}

function toView({ from, until, knownUntil, reached, zone, entries }: Forecast) {
  const timeOf = (at: Millis) => ({ at: isoTime(at), local: toLocal(at, zone) });
  return {
    from: isoTime(from),
    until: isoTime(until),
    known_until: isoTime(knownUntil),
    reached,
    time_zone: zone,
    entries: entries.map(({ at, type, waitId, notificationId, code, channels, ...entry }: ForecastEntry) => ({
      ...entry,
      ...timeOf(at),
      notification_type: type,
      wait_id: waitId,
      notification_id: notificationId,
      reason_code: code,
      channels: channels.map(({ at: when, ...channel }) => ({ ...channel, ...timeOf(when) })),
    })),
  };
}

/** Returns the local time, `2025-11-21T09:00`. */
function toLocal(at: Millis, zone: string): string {
  return isoTime(toLocalTime(at, zone) ?? at).slice(0, 16);
}
