import { getProvidersOf, loadAccountStates, loadInstallationStates } from '../../delivery/account-states.ts';
import { EMAIL_THRESHOLDS } from '../../delivery/email-thresholds.ts';
import { TidingsError } from '../../errors.ts';
import type { Opening } from '../../store/deliveries/circuit-openings.ts';
import { withTransaction } from '../../store/pg/transaction.ts';
import { listEmailCounts, listEmailStandings, resumeEmails } from '../../store/receipts/email-standings.ts';
import { isoTime, isoTimeOrNull } from '../../time/iso-time.ts';
import type { App, HttpDependencies } from '../app.ts';
import { sendingResumed, sendingResumption, sendingState } from '../schemas/sending.ts';

/** Whether messages go out: the accounts, and emails that bounce or are complained about too often, which can be resumed. */
export function registerSendingRoutes(app: App, { database, installation, clock }: HttpDependencies): void {
  app.get(
    '/api/v1/sending',
    {
      config: { scope: 'deliveries:read' },
      schema: {
        operationId: 'getSending',
        summary: 'Show the state of the accounts, and emails that bounce or are complained about too often',
        tags: ['deliveries'],
        response: { 200: sendingState },
      },
    },
    async ({ principal: { tenantId } }) => {
      const [pool, now] = [database.forTenant(tenantId), clock()];
      const found = await listEmailStandings(pool, tenantId, now);
      const counts = await listEmailCounts(pool, tenantId, now);
      return {
        accounts: (await loadAccountStates(pool, tenantId, now)).map(({ failoverTo, ...one }) => ({
          ...one,
          failover_to: failoverTo,
          channels: [...one.channels],
          openings: one.openings.map(toOpening),
          limits: [...one.limits],
        })),
        installation: (await loadInstallationStates(pool, tenantId, now)).map((one) => ({
          ...one,
          openings: one.openings.map(toOpening),
        })),
        installation_channels: [...getProvidersOf(tenantId, installation)].map(([channel, provider]) => ({
          channel,
          provider,
        })),
        counts: counts.map(({ notificationType, ...one }) => ({ notification_type: notificationType || null, ...one })),
        thresholds: EMAIL_THRESHOLDS,
        emails: found.map(({ notificationType, alertedAt, pausedAt, cause }) => ({
          notification_type: notificationType === '' ? null : notificationType,
          state: pausedAt === null ? ('alerted' as const) : ('paused' as const),
          since: isoTime(pausedAt ?? alertedAt),
          cause,
        })),
      };
    },
  );

  app.post(
    '/api/v1/sending/resume',
    {
      config: { scope: 'deliveries:write', errors: ['not_found'] },
      schema: {
        operationId: 'resumeSending',
        summary:
          'Send paused emails again, those that are held within 15 minutes; what happened before no longer counts',
        tags: ['deliveries'],
        body: sendingResumption,
        response: { 200: sendingResumed },
      },
    },
    async ({ principal: { tenantId, actor }, body }) => {
      const now = clock();
      const notificationType = body.notification_type ?? '';
      const isResumed = await withTransaction(database.forTenant(tenantId), (connection) =>
        resumeEmails(connection, { tenantId, notificationType }, actor, now),
      );
      if (!isResumed) throw new TidingsError('not_found', 'These emails are neither paused nor in question.');
      return { notification_type: body.notification_type ?? null, resumed_at: isoTime(now) };
    },
  );
}

function toOpening({ openedAt, closedAt, code, cause }: Opening) {
  return { opened_at: isoTime(openedAt), closed_at: isoTimeOrNull(closedAt), code, cause };
}
