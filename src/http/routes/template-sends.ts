import { toPreviewCatalog } from '../../authoring/preview-catalog.ts';
import type { Catalog } from '../../catalog/compile/compile-catalog.ts';
import { buildPreviewData, listSendingEvents, type PreviewInput } from '../../delivery/preview/preview-data.ts';
import { TidingsError } from '../../errors.ts';
import type { NotificationType } from '../../model/catalog.ts';
import type { TestData } from '../../model/direct.ts';
import type { JsonObject, Millis } from '../../model/event.ts';
import type { Recipient } from '../../notify/request.ts';
import { resolveRecipients } from '../../notify/resolve-recipients.ts';
import { sendTest, type TestContent } from '../../notify/send-test.ts';
import { loadLastEvent } from '../../store/timeline.ts';
import type { App, HttpDependencies } from '../app.ts';
import { testSend, testSendBody } from '../schemas/template-sends.ts';

/** A test counts as this many requests for the limit of a key: it costs a message. */
const COUNTED_REQUESTS = 60;

/** Tests of templates, which are sent to users. */
export function registerTemplateSendRoutes(app: App, dependencies: HttpDependencies): void {
  const { database, pipeline, catalogs, seal, clock } = dependencies;

  app.post(
    '/api/v1/templates/test',
    {
      config: {
        scope: 'notifications:write',
        countRequests: () => COUNTED_REQUESTS,
        errors: ['not_found', 'unknown_type', 'invalid_notification', 'invalid_template', 'overloaded'],
      },
      schema: {
        operationId: 'testTemplate',
        summary: 'Send a notification to one user as a test, with a sample, an event of yours, or the last of the user',
        tags: ['templates'],
        body: testSendBody,
        response: { 202: testSend },
      },
    },
    async ({ principal, operationId, body }, reply) => {
      const { tenantId, actor, scopes } = principal;
      const pool = database.forTenant(tenantId);
      const { notification_type: type, template: id, event, last_event: isLast, variables } = body;
      if (id !== undefined && !scopes.has('templates:read')) {
        throw new TidingsError('forbidden', 'A template that is not active needs the scope templates:read.', {
          pointer: '/template',
        });
      }
      const active = await catalogs.refresh(tenantId);
      const found = id === undefined ? undefined : await findTemplate(id);
      const catalog = found?.catalog ?? active;
      const channels = found ? [found.channel] : body.channels;
      const recipient: Recipient = body.to === undefined ? { user_id: body.user_id as string } : toRecipient(body.to);
      const known = catalog.rules.notifications.get(type);
      const last = isLast && known ? await loadLast(catalog, known, recipient) : undefined;
      const input = { event: last ?? event, variables };
      const parts = { pipeline, catalogs, seal, clock, pool };
      const answer = await sendTest(
        parts,
        { tenantId, actor, scopes, operationId },
        {
          type,
          recipient,
          channels,
          locale: body.locale ?? found?.locale,
          template: found && { id: found.id, version: found.version },
          getContent: (now) => toContent(catalog, type, channels?.[0], input, now),
        },
      );
      return reply.status(202).send(answer);

      async function findTemplate(name: string) {
        const { catalog: shown, row, version } = await toPreviewCatalog(pool, tenantId, active, name);
        if (row.notificationType === type && (body.channels ?? [row.channel]).every((one) => one === row.channel)) {
          return { catalog: shown, id: row.id, version, channel: row.channel, locale: row.locale };
        }
        const message = `That template is one of ${row.notificationType} by ${row.channel}.`;
        throw new TidingsError('invalid_template', message, { pointer: '/template' });
      }

      async function loadLast(of: Catalog, { name }: NotificationType, given: Recipient) {
        const [resolved] = await resolveRecipients(pool, seal, tenantId, [given]);
        const userId = resolved && 'userId' in resolved ? resolved.userId : '';
        const found = await loadLastEvent(pool, tenantId, userId, listSendingEvents(of, name));
        if (found) return found;
        const message = `The user has no event on which a rule sends ${name}; leave last_event out for a sample.`;
        throw new TidingsError('not_found', message, { pointer: '/last_event' });
      }
    },
  );
}

function toRecipient({ email, phone }: { email?: string | undefined; phone?: string | undefined }): Recipient {
  return { ...(email !== undefined && { email }), ...(phone !== undefined && { phone }) };
}

/** Returns what a test shows, as a preview shows it: of the user it shows the profile, which the decision adds. */
function toContent(
  catalog: Catalog,
  name: string,
  channel: NotificationType['channels'][number] | undefined,
  input: PreviewInput,
  now: Millis,
): TestContent {
  const type = catalog.rules.notifications.get(name) as NotificationType;
  const data = buildPreviewData(catalog, type, channel ?? type.channels[0] ?? 'email', input, now);
  const { event, traits, matched, data: values, items, total, variables } = data;
  const shown = {
    event,
    traits,
    ...(matched !== undefined && { matched }),
    ...(values !== undefined && { data: values }),
    ...(items !== undefined && { items, total }),
  };
  return { shown: shown as unknown as TestData, variables: variables as JsonObject };
}
