import { explainDeadLetters } from '../../accounts/explain-dead-letters.ts';
import { TidingsError } from '../../errors.ts';
import { canRetry, formatGroupId, parseGroupId, parseStoredGroup, toStoredGroup } from '../../model/dead-letter.ts';
import {
  type GroupSummary,
  listDeadLetterGroups,
  listDeadLetters,
  loadDeadLetterGroup,
  MAX_COUNTED_USERS_OF,
} from '../../store/deliveries/dead-letters.ts';
import { isoTime } from '../../time/iso-time.ts';
import type { App, HttpDependencies } from '../app.ts';
import { Cursors } from '../cursor.ts';
import { pageQuery } from '../schemas/common.ts';
import { deadLetterGroupPage, deadLetterPage, deadLetterParams, deadLetterQuery } from '../schemas/dead-letters.ts';

/** Dead letters by the reason of their failure. Jobs retry and cancel them (routes/jobs.ts). */
export function registerDeadLetterRoutes(app: App, { database, seal }: HttpDependencies): void {
  const cursors = new Cursors(seal);

  app.get(
    '/api/v1/dead-letters',
    {
      config: { scope: 'deliveries:read' },
      schema: {
        operationId: 'listDeadLetters',
        summary: 'List groups of dead letters: what failed for the same reason, whose fault it is, and what to do',
        tags: ['deliveries'],
        querystring: deadLetterQuery,
        response: { 200: deadLetterGroupPage },
      },
    },
    async (request) => {
      const { principal, query } = request;
      const { fault = null, limit } = query;
      const cursor = cursors.read(request, ['text']);
      const after = cursor ? (parseStoredGroup(cursor[0]) ?? null) : null;
      const pool = database.forTenant(principal.tenantId);
      const found = await listDeadLetterGroups(pool, principal.tenantId, fault, limit, after);
      const groups = await Promise.all(found.map(toView));
      return { groups, next: cursors.next(request, found, limit, (last) => [toStoredGroup(last.group)]) };
    },
  );

  app.get(
    '/api/v1/dead-letters/:group',
    {
      config: { scope: 'deliveries:read', errors: ['not_found'] },
      schema: {
        operationId: 'getDeadLetters',
        summary: 'Show a group with its dead letters, the latest first',
        tags: ['deliveries'],
        params: deadLetterParams,
        querystring: pageQuery,
        response: { 200: deadLetterPage },
      },
    },
    async (request) => {
      const { principal, params, query } = request;
      const { tenantId } = principal;
      const pool = database.forTenant(tenantId);
      const group = parseGroupId(params.group);
      const summary = group && (await loadDeadLetterGroup(pool, tenantId, group));
      if (!group || !summary) throw new TidingsError('not_found', 'There are no dead letters of this group.');
      const cursor = cursors.read(request, ['number', 'uuid', 'text', 'text']);
      const before = cursor && {
        finishedAt: cursor[0],
        notificationId: cursor[1],
        channel: cursor[2],
        target: cursor[3],
      };
      const deliveries = await listDeadLetters(pool, tenantId, group, query.limit, before);
      const next = cursors.next(request, deliveries, query.limit, (last) => [
        Date.parse(last.finished_at ?? ''),
        last.notification_id,
        last.channel,
        last.target,
      ]);
      return { group: await toView(summary), deliveries, next };
    },
  );
}

async function toView({ group, count, isAtLeast, users, firstAt, lastAt, sample }: GroupSummary) {
  const { fault, channel, provider, account, reasonCode, code } = group;
  return {
    group: formatGroupId(group),
    fault,
    channel,
    provider,
    account,
    reason_code: reasonCode,
    code,
    ...(await explainDeadLetters(group)),
    can_retry: canRetry(reasonCode),
    count,
    at_least: isAtLeast,
    users,
    users_at_least: count > MAX_COUNTED_USERS_OF,
    first_at: isoTime(firstAt),
    last_at: isoTime(lastAt),
    sample,
  };
}
