import { toPreviewCatalog } from '../../authoring/preview-catalog.ts';
import { type Preview, previewMessage } from '../../delivery/preview/preview.ts';
import { listSendingEvents } from '../../delivery/preview/preview-data.ts';
import { TidingsError } from '../../errors.ts';
import { loadTenantProfile } from '../../store/tenants/tenants.ts';
import { loadLastEvent } from '../../store/timeline.ts';
import { loadProfile } from '../../store/users.ts';
import type { App, HttpDependencies } from '../app.ts';
import { followLinks, type LinkAnswer } from '../follow-links.ts';
import { type PreviewView, preview, previewBody } from '../schemas/templates.ts';

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
      return { notification_type: notificationType, channel, ...toView(made, answers) };

      async function loadLast() {
        const found = await loadLastEvent(pool, tenantId, userId ?? '', listSendingEvents(catalog, notificationType));
        if (found) return found;
        const message = `The user has no event on which a rule sends ${notificationType}; leave last_event out for a sample.`;
        throw new TidingsError('not_found', message, { pointer: '/last_event' });
      }
    },
  );
}

function toView(made: Preview, answers: readonly LinkAnswer[]): Omit<PreviewView, 'notification_type' | 'channel'> {
  const { locale, wantedLocale, message, darkHtml, htmlBytes, sms, links, findings, data } = made;
  const byUrl = new Map(answers.map((answer) => [answer.url, answer]));
  const silent = answers.filter(({ status }) => status === null || status >= 400);
  return {
    locale,
    wanted_locale: wantedLocale,
    message: message as PreviewView['message'],
    ...(darkHtml === undefined ? {} : { dark_html: darkHtml }),
    ...(htmlBytes === undefined ? {} : { html_bytes: htmlBytes }),
    ...(sms && {
      sms: { encoding: sms.encoding, parts: sms.parts, units: sms.units, units_per_part: sms.unitsPerPart },
    }),
    links: links.map(({ url, kind }) => {
      const answer = byUrl.get(url);
      return { url, kind, ...(answer && { status: answer.status }) };
    }),
    findings: [
      ...findings,
      ...silent.map(({ url, status, reason }) => ({
        code: 'link_not_answering' as const,
        severity: 'warning' as const,
        message: `the link ${JSON.stringify(url.slice(0, 200))} ${status === null ? `does not answer: ${reason}` : `answers ${status}`}`,
      })),
    ],
    data,
  };
}
