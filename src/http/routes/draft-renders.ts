import { type Catalog, compileCatalog } from '../../catalog/compile/compile-catalog.ts';
import { getCatalogVersion } from '../../catalog/versions.ts';
import type { DraftTurns } from '../../drafts/draft-turns.ts';
import { type Cell, renderTemplates } from '../../drafts/render-templates.ts';
import { TidingsError } from '../../errors.ts';
import type { CatalogData } from '../../model/catalog.ts';
import { loadTenantProfile } from '../../store/tenants/tenants.ts';
import type { App, HttpDependencies } from '../app.ts';
import { toPreviewView } from '../preview-view.ts';
import { renderBody, rendered } from '../schemas/draft-renders.ts';

const MAX_BODY_BYTES = 5 * 1024 * 1024;

/** The work on drafts of this process. */
export interface DraftWork {
  readonly turns: DraftTurns;
  /** Returns the data of a draft. @throws TidingsError `invalid_catalog` with every problem */
  readDraft(tenantId: string, files: { readonly [path: string]: string }): Promise<CatalogData>;
}

/** Messages of a notification type, rendered by a draft or by a version. Nothing is stored or sent. */
export function registerDraftRenderRoutes(
  app: App,
  { catalogs, database, clock, publicUrl, readerUrl = () => publicUrl }: HttpDependencies,
  { turns, readDraft }: DraftWork,
): void {
  app.post(
    '/api/v1/catalog/render',
    {
      bodyLimit: MAX_BODY_BYTES,
      config: { scope: 'messages:read', errors: ['not_found', 'unknown_type', 'invalid_catalog', 'overloaded'] },
      schema: {
        operationId: 'renderCatalog',
        summary:
          'Render messages of a notification type by a draft (needs catalog:write as well) or a version, without sending them',
        tags: ['catalog'],
        body: renderBody,
        response: { 200: rendered },
      },
    },
    ({ principal: { tenantId, scopes }, body }) => {
      const { files, version, notification_type: notificationType, event, variables, dark, changes } = body;
      if (files !== undefined && !scopes.has('catalog:write')) {
        throw new TidingsError('forbidden', 'A draft needs the scope catalog:write as well.', { pointer: '/files' });
      }
      const named = body.cells.findIndex(({ event_id: eventId }) => eventId !== undefined);
      if (named !== -1 && !scopes.has('decisions:read')) {
        throw new TidingsError('forbidden', 'An event of a user needs the scope decisions:read as well.', {
          pointer: `/cells/${named}/event_id`,
        });
      }
      return turns.run(tenantId, async () => {
        const catalog = await toCatalog(tenantId, files, version);
        if (!catalog.rules.notifications.has(notificationType)) {
          const message = `There is no notification type ${JSON.stringify(notificationType)}.`;
          throw new TidingsError('unknown_type', message, { pointer: '/notification_type' });
        }
        const tenant = (await loadTenantProfile(database.owner, tenantId)) ?? { name: '', settings: {} };
        const parts = { pool: database.forTenant(tenantId), tenant, publicUrl: readerUrl(), now: clock() };
        const cells = body.cells.map(toCell);
        const asked = { tenantId, notificationType, cells, event, variables, withChanges: changes };
        const made = await renderTemplates(parts, catalog, asked);
        return {
          version: files === undefined ? catalog.version : null,
          templates: made.templates.map(({ changedIn, ...one }) => ({ ...one, changed_in: changedIn })),
          fields: made.fields,
          cells: made.cells.map((one, index) => {
            if ('problem' in one) return one;
            const { dark_html: darkHtml, ...view } = toPreviewView(one.preview, []);
            const channel = (cells[index] as Cell).channel;
            const shown = dark && darkHtml !== undefined ? { dark_html: darkHtml } : {};
            return { preview: { notification_type: notificationType, channel, ...view, ...shown } };
          }),
        };
      });
    },
  );

  async function toCatalog(
    tenantId: string,
    files: { readonly [path: string]: string } | undefined,
    version: number | undefined,
  ): Promise<Catalog> {
    if (files !== undefined) return compileCatalog(0, clock(), await readDraft(tenantId, files));
    if (version === undefined) return catalogs.refresh(tenantId);
    return getCatalogVersion({ pool: database.forTenant(tenantId), catalogs, tenantId }, version, '/version');
  }
}

function toCell(one: {
  readonly channel: Cell['channel'];
  readonly locale?: string | undefined;
  readonly variant?: string | undefined;
  readonly user_id?: string | undefined;
  readonly event_id?: string | undefined;
  readonly last_event: boolean;
}): Cell {
  const { user_id: userId, event_id: eventId, last_event: isLast, channel, locale, variant } = one;
  return { channel, locale, variant, userId, eventId, isLast };
}
