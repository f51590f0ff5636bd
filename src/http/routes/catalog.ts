import { applyCatalogFiles } from '../../catalog/apply.ts';
import type { Catalog } from '../../catalog/compile/compile-catalog.ts';
import { diffCatalogVersions, getCatalogVersion, rollBackToVersion } from '../../catalog/versions.ts';
import type { Template } from '../../model/catalog.ts';
import type { Channel } from '../../model/delivery.ts';
import { listCatalogs } from '../../store/catalogs.ts';
import { isoTime } from '../../time/iso-time.ts';
import type { App, HttpDependencies } from '../app.ts';
import { Cursors } from '../cursor.ts';
import { readIfMatch, setEtag } from '../if-match.ts';
import {
  applyResult,
  type CatalogView,
  catalogDiff,
  catalogQuery,
  catalogView,
  diffQuery,
  filesBody,
  rollbackBody,
  rollbackResult,
  versionPage,
  versionsQuery,
} from '../schemas/catalog.ts';

const MAX_BODY_BYTES = 5 * 1024 * 1024;
/** Routes for the catalogs of a tenant: the active version, earlier versions, and changes of the active one. */
export function registerCatalogRoutes(app: App, { catalogs, database, seal, clock }: HttpDependencies): void {
  const cursors = new Cursors(seal);
  app.get(
    '/api/v1/catalog',
    {
      config: { scope: 'catalog:read', errors: ['not_found'] },
      schema: {
        operationId: 'getCatalog',
        summary: 'Get a catalog: events, notification types and rules of the active version, or of another version',
        tags: ['catalog'],
        querystring: catalogQuery,
        response: { 200: catalogView },
      },
    },
    async (request, reply) => {
      const { tenantId } = request.principal;
      const active = await catalogs.refresh(tenantId);
      const version = request.query.version ?? active.version;
      setEtag(reply, version);
      return toCatalogView(
        await getCatalogVersion({ pool: database.forTenant(tenantId), catalogs, tenantId }, version),
        active.version,
      );
    },
  );

  app.get(
    '/api/v1/catalog/versions',
    {
      config: { scope: 'catalog:read' },
      schema: {
        operationId: 'listCatalogVersions',
        summary: 'List the applied versions, newest first',
        tags: ['catalog'],
        querystring: versionsQuery,
        response: { 200: versionPage },
      },
    },
    async (request) => {
      const { principal, query } = request;
      const before = cursors.read(request, ['number'])?.[0] ?? null;
      const versions = await listCatalogs(
        database.forTenant(principal.tenantId),
        principal.tenantId,
        query.limit,
        before,
      );
      return { versions, next: cursors.next(request, versions, query.limit, (last) => [last.version]) };
    },
  );

  app.get(
    '/api/v1/catalog/diff',
    {
      config: { scope: 'catalog:read', errors: ['not_found'] },
      schema: {
        operationId: 'compareCatalogs',
        summary: 'Compare two versions; `to` defaults to the active one',
        tags: ['catalog'],
        querystring: diffQuery,
        response: { 200: catalogDiff },
      },
    },
    async (request) => {
      const { tenantId } = request.principal;
      const { from, to } = request.query;
      return diffCatalogVersions({ pool: database.forTenant(tenantId), catalogs, tenantId }, from, to);
    },
  );

  app.post(
    '/api/v1/catalog',
    {
      bodyLimit: MAX_BODY_BYTES,
      config: { scope: 'catalog:write', errors: ['invalid_catalog', 'outdated', 'release_under_way'] },
      schema: {
        operationId: 'applyCatalog',
        summary: 'Apply a catalog, or only check it as `tidings check` does',
        tags: ['catalog'],
        body: filesBody,
        response: { 200: applyResult },
      },
    },
    async (request, reply) => {
      const { tenantId, actor } = request.principal;
      const { files, dry_run: dryRun } = request.body;
      const command = { pool: database.owner, catalogs, tenantId, actor, clock };
      const options = { dryRun, expected: readIfMatch(request) };
      const applied = await applyCatalogFiles(command, new Map(Object.entries(files)), options);
      setEtag(reply, applied.version);
      return applied;
    },
  );

  app.post(
    '/api/v1/catalog/rollback',
    {
      config: { scope: 'catalog:write', errors: ['not_found', 'outdated', 'release_under_way'] },
      schema: {
        operationId: 'rollBackCatalog',
        summary: 'Make an earlier version active again',
        tags: ['catalog'],
        body: rollbackBody,
        response: { 200: rollbackResult },
      },
    },
    async (request, reply) => {
      const { tenantId, actor } = request.principal;
      const command = { pool: database.owner, catalogs, tenantId, actor, clock };
      const result = await rollBackToVersion(command, request.body.version, readIfMatch(request));
      setEtag(reply, result.version);
      return result;
    },
  );
}

function toCatalogView({ version, appliedAt, data }: Catalog, activeVersion: number): CatalogView {
  const locales = listLocales(data.templates);
  return {
    version,
    active: version === activeVersion,
    applied_at: version === 0 ? null : isoTime(appliedAt),
    events: data.events,
    notifications: data.notifications.map(({ name, description, category, channels, variables }) => ({
      name,
      ...(description === undefined ? {} : { description }),
      category,
      channels,
      locales: locales.get(name) ?? [],
      ...(variables === undefined ? {} : { variables }),
    })),
    groups: data.groups.map(({ name, limits }) => ({ name, limits: limits.map((limit) => limit.text) })),
    rules: data.rules.map((rule) => ({
      ...rule,
      after: rule.after.map(({ event, withinText, same }) => ({ event, within: withinText, same })),
      limits: rule.limits.map((limit) => limit.text),
    })),
  };
}

/** Returns the locales of the templates of each notification type, each with its channels. */
function listLocales(
  templates: readonly Template[],
): ReadonlyMap<string, { readonly locale: string; readonly channels: Channel[] }[]> {
  const byType = new Map<string, { readonly locale: string; readonly channels: Channel[] }[]>();
  for (const { notificationType, locale, channel } of templates) {
    const known = byType.get(notificationType) ?? [];
    byType.set(notificationType, known);
    const one = known.find((each) => each.locale === locale);
    if (one === undefined) known.push({ locale, channels: [channel] });
    else if (!one.channels.includes(channel)) one.channels.push(channel);
  }
  for (const known of byType.values()) known.sort((a, b) => (a.locale < b.locale ? -1 : 1));
  return byType;
}
