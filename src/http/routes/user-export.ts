import { Readable } from 'node:stream';
import { TidingsError } from '../../errors.ts';
import { appendAuditEntry } from '../../store/audit-log.ts';
import { exportUser } from '../../store/export/export-user.ts';
import type { Dated } from '../../store/pg/replica.ts';
import { answerAsOf } from '../answer-as-of.ts';
import type { App, HttpDependencies } from '../app.ts';
import { reveal } from '../schemas/me.ts';
import { userArchive, userParams } from '../schemas/user-requests.ts';
import { showUser } from '../show-user.ts';

/** Exports that this process streams at once: each holds a connection. */
const MAX_EXPORTS = 2;

/** Everything about a user as one archive. */
export function registerUserExportRoutes(app: App, { database, seal, clock }: HttpDependencies): void {
  let running = 0;
  app.post(
    '/api/v1/users/:user_id/export',
    {
      config: {
        scope: 'personal_data:read',
        mediaType: 'application/x-tar',
        idempotent: false,
        errors: ['not_found', 'rate_limited'],
      },
      schema: {
        operationId: 'exportUser',
        summary: 'Export everything about a user, unmasked, as a tar archive; the reason goes to the audit log',
        tags: ['users'],
        params: userParams,
        body: reveal,
        response: { 200: userArchive },
      },
    },
    async ({ principal: { tenantId, actor }, params, body: { reason } }, reply) => {
      const pool = database.forTenant(tenantId);
      // The survivor, if the user was merged.
      const { user_id: userId } = await showUser(pool, tenantId, params.user_id);
      if (running >= MAX_EXPORTS)
        throw new TidingsError('rate_limited', `${MAX_EXPORTS} exports are under way; wait until one has ended.`, {
          retryAfter: 10,
        });
      const now = clock();
      running++;
      let read: Dated<AsyncIterable<Buffer>>;
      try {
        const entry = { tenantId, actor, action: 'user.exported', subject: userId, detail: { reason } };
        await appendAuditEntry(pool, entry, now);
        const asked = { tenantId, userId, now };
        read = await database.readsOf(tenantId).stream((rows) => exportUser(rows, seal, asked));
      } catch (error) {
        running--;
        throw error;
      }
      const archive = Readable.from(answerAsOf(reply, read), { objectMode: false });
      archive.once('close', () => {
        running--;
      });
      return reply
        .type('application/x-tar')
        .header('cache-control', 'no-store')
        .header('content-disposition', 'attachment; filename="user.tar"')
        .send(archive as unknown as string);
    },
  );
}
