import { z } from 'zod';
import { applyCatalogFiles } from '../../catalog/apply.ts';
import type { Catalog } from '../../catalog/compile/compile-catalog.ts';
import { diffCatalogVersions, getCatalogVersion, rollBackToVersion } from '../../catalog/versions.ts';
import { listCatalogs } from '../../store/catalogs.ts';
import { isoTime } from '../../time/iso-time.ts';
import type { App, HttpDependencies } from '../app.ts';
import { anyObject, limitQuery, problemSchema } from './schemas.ts';

const MAX_BODY_BYTES = 5 * 1024 * 1024;
const MAX_VERSION = 2_147_483_647;

const VERSION_HINT = 'write the number of a version, such as 1';
const versionNumber = z.coerce
  .number(VERSION_HINT)
  .int(VERSION_HINT)
  .min(0, VERSION_HINT)
  .max(MAX_VERSION, VERSION_HINT);

const bodyVersion = z.number(VERSION_HINT).int(VERSION_HINT).min(1, VERSION_HINT).max(MAX_VERSION, VERSION_HINT);

const filesBody = z.object({
  files: z
    .record(z.string().min(1).max(512), z.string())
    .describe('Path inside the folder of the catalog, such as events.yaml, to text'),
  dry_run: z.boolean().default(false).describe('Check and compare, and change nothing'),
});

/** Routes for the catalogs of a tenant: the active version, earlier versions, and changes of the active one. */
export function registerCatalogRoutes(app: App, { catalogs, database, clock }: HttpDependencies): void {
  app.get(
    '/api/v1/catalog',
    {
      config: { scope: 'catalog:read' },
      schema: {
        summary: 'Get a catalog: events, notification types and rules of the active version, or of another version',
        tags: ['catalog'],
        querystring: z.strictObject({ version: versionNumber.optional() }),
        response: { 200: anyObject, '4xx': problemSchema },
      },
    },
    async (request) => {
      const { tenantId } = request.principal;
      const active = await catalogs.refresh(tenantId);
      const version = request.query.version ?? active.version;
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
        summary: 'List the applied versions, newest first',
        tags: ['catalog'],
        querystring: z.strictObject({ limit: limitQuery }),
      },
    },
    async ({ principal: { tenantId }, query }) => ({
      versions: await listCatalogs(database.forTenant(tenantId), tenantId, query.limit),
    }),
  );

  app.get(
    '/api/v1/catalog/diff',
    {
      config: { scope: 'catalog:read' },
      schema: {
        summary: 'Compare two versions; `to` defaults to the active one',
        tags: ['catalog'],
        querystring: z.strictObject({ from: versionNumber, to: versionNumber.optional() }),
        response: { 200: anyObject, '4xx': problemSchema },
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
      config: { scope: 'catalog:write' },
      schema: {
        summary: 'Apply a catalog, or only check it as `tidings check` does',
        tags: ['catalog'],
        body: filesBody,
        response: { 200: anyObject, '4xx': problemSchema },
      },
    },
    async (request) => {
      const { tenantId, actor } = request.principal;
      const { files, dry_run: dryRun } = request.body;
      const command = { pool: database.owner, catalogs, tenantId, actor, clock };
      return applyCatalogFiles(command, new Map(Object.entries(files)), { dryRun });
    },
  );

  app.post(
    '/api/v1/catalog/rollback',
    {
      config: { scope: 'catalog:write' },
      schema: {
        summary: 'Make an earlier version active again',
        tags: ['catalog'],
        body: z.object({ version: bodyVersion }),
        response: { 200: anyObject, '4xx': problemSchema },
      },
    },
    async (request) => {
      const { tenantId, actor } = request.principal;
      return rollBackToVersion({ pool: database.owner, catalogs, tenantId, actor, clock }, request.body.version);
    },
  );
}

function toCatalogView({ version, appliedAt, data }: Catalog, activeVersion: number) {
  return {
    version,
    active: version === activeVersion,
    applied_at: version === 0 ? null : isoTime(appliedAt),
    events: data.events,
    notifications: data.notifications.map(({ name, description, category, channels }) => ({
      name,
      description,
      category,
      channels,
    })),
    groups: data.groups.map(({ name, limits }) => ({ name, limits: limits.map((limit) => limit.text) })),
    rules: data.rules.map((rule) => ({
      ...rule,
      after: rule.after.map(({ event, withinText, same }) => ({ event, within: withinText, same })),
      limits: rule.limits.map((limit) => limit.text),
    })),
  };
}
