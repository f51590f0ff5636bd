import type { App, HttpParts } from './app.ts';

/** The catalog in force, as people read it. */
export function catalogRoutes(app: App, { catalogs }: HttpParts): void {
  app.get(
    '/api/v1/catalog',
    { schema: { summary: 'The catalog in force: events, notification types and rules', tags: ['catalog'] } },
    async (request) => {
      const { version, appliedAt, data } = await catalogs.refresh(request.caller.tenantId);
      return {
        version,
        applied_at: version === 0 ? null : new Date(appliedAt).toISOString(),
        events: data.events,
        notifications: data.notifications.map(({ name, description, category, channels }) => ({
          name,
          description,
          category,
          channels,
        })),
        rules: data.rules.map((rule) => ({
          name: rule.name,
          on: rule.on,
          when: rule.when,
          after: rule.after && { event: rule.after.event, within: rule.after.withinText },
          limits: rule.limits.map((limit) => limit.text),
          notify: rule.notify,
        })),
      };
    },
  );
}
