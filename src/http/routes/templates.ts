import { toPreviewCatalog } from '../../authoring/preview-catalog.ts';
import { previewMessage } from '../../delivery/preview/preview.ts';
import { listSendingEvents } from '../../delivery/preview/preview-data.ts';
import { TidingsError } from '../../errors.ts';
import { loadTenantProfile } from '../../store/tenants/tenants.ts';
import { loadLastEvent } from '../../store/timeline.ts';
import { loadProfile } from '../../store/users.ts';
import type { App, HttpDependencies } from '../app.ts';
import { followLinks } from '../follow-links.ts';
import { toPreviewView } from '../preview-view.ts';
import { preview, previewBody } from '../schemas/templates.ts';

/** Previews of messages: what a template makes of some data. Nothing is sent or stored. */
export function registerTemplateRoutes(
  app: App,
  { catalogs, database, outbound, clock, publicUrl, readerUrl = () => publicUrl }: HttpDependencies,
): void {
  app.post(
    '/api/v1/templates/preview',
    {
      config: { scope: 'messages:read', errors: ['not_found', 'invalid_template'] },
      schema: {
        operationId: 'previewTemplate',
        summary: 'Render a message without sending it, with findings about it',
        tags: ['catalog'],
        body: previewBody,
        response: { 200: preview },
      },
    },
    async ({ principal: { tenantId }, body }) => {
      const { notification_type: notificationType, user_id: userId, variables } = body;
      const pool = database.forTenant(tenantId);
      const active = await catalogs.refresh(tenantId);
      const stored =
        body.template === undefined ? undefined : await toPreviewCatalog(pool, tenantId, active, body.template);
      const catalog = stored?.catalog ?? active;
      const locale = body.locale ?? stored?.row.locale;
      const ofType = catalog.rules.notifications.get(notificationType)?.channels[0];
      const channel = body.channel ?? stored?.row.channel ?? ofType ?? 'email';
      if (stored && (stored.row.notificationType !== notificationType || stored.row.channel !== channel)) {
        const { notificationType: type, channel: other } = stored.row;
        const message = `That template is one of ${type} by ${other}.`;
        throw new TidingsError('invalid_template', message, { pointer: '/template' });
      }
      const tenant = (await loadTenantProfile(database.owner, tenantId)) ?? { name: '', settings: {} };
      const profile = userId === undefined ? undefined : await loadProfile(pool, tenantId, userId);
      if (profile === null) throw new TidingsError('not_found', 'There is no such user.');
      const event = body.last_event ? await loadLast() : body.event;
      const request = { notificationType, channel, locale, userId, traits: profile?.traits, event, variables };
      const made = previewMessage(catalog, tenant, request, clock(), readerUrl());
      if (!made) {
        throw new TidingsError('not_found', `The active catalog has no ${channel} template of ${notificationType}.`);
      }
      const urls = made.links.filter(({ kind }) => kind === 'link').map(({ url }) => url);
      const answers = body.follow_links ? await followLinks(outbound, urls) : [];
      return { notification_type: notificationType, channel, ...toPreviewView(made, answers) };

      async function loadLast() {
        const found = await loadLastEvent(pool, tenantId, userId ?? '', listSendingEvents(catalog, notificationType));
        if (found) return found;
        const message = `The user has no event on which a rule sends ${notificationType}; leave last_event out for a sample.`;
        throw new TidingsError('not_found', message, { pointer: '/last_event' });
      }
    },
  );
}
