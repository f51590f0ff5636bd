import { z } from 'zod';
import { type Difference, diffCatalogs } from '../catalog/diff.ts';
import { lintCatalog } from '../catalog/lint/lint.ts';
import { TidingsError } from '../errors.ts';
import type { CatalogData } from '../model/catalog.ts';
import { applyCatalog, listCatalogs, rollBackCatalog } from '../store/catalogs.ts';
import { countWaiting } from '../store/waits.ts';
import { isoTime } from '../time/iso-time.ts';
import type { App, HttpDependencies } from './app.ts';
import { anyObject, limitQuery, problemSchema } from './schemas.ts';

const LARGEST_BODY = 5 * 1024 * 1024;

const VERSION = 'write the number of a version, such as 1';
const versionNumber = z.coerce.number(VERSION).int(VERSION).min(0, VERSION).max(2_147_483_647, VERSION);

const filesBody = z.object({
  files: z
    .record(z.string().min(1).max(512), z.string())
    .describe('Path inside the folder of the catalog, such as events.yaml, to text'),
  dry_run: z.boolean().default(false).describe('Check and compare, and change nothing'),
});

/** The catalogs of a tenant: the one in force, those before it, and how a new one gets there. */
export function catalogRoutes(app: App, { catalogs, pool, clock }: HttpDependencies): void {
  app.get(
    '/api/v1/catalog',
    {
      schema: {
        summary: 'A catalog: events, notification types and rules; the one in force, or a version of it',
        tags: ['catalog'],
        querystring: z.strictObject({ version: versionNumber.optional() }),
        response: { 200: anyObject, '4xx': problemSchema },
      },
    },
    async (request) => {
      const { tenantId } = request.caller;
      const active = await catalogs.refresh(tenantId);
      const { version, appliedAt, data } = await at(tenantId, request.query.version ?? active.version, 'version');
      return {
        version,
        active: version === active.version,
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
    },
  );

  app.get(
    '/api/v1/catalog/versions',
    {
      schema: {
        summary: 'The versions that were applied, the newest first',
        tags: ['catalog'],
        querystring: z.strictObject({ limit: limitQuery }),
      },
    },
    async (request) => ({ versions: await listCatalogs(pool, request.caller.tenantId, request.query.limit) }),
  );

  app.get(
    '/api/v1/catalog/diff',
    {
      schema: {
        summary: 'What two versions have differently; `to` is the one in force if it is not said',
        tags: ['catalog'],
        querystring: z.strictObject({ from: versionNumber, to: versionNumber.optional() }),
        response: { 200: anyObject, '4xx': problemSchema },
      },
    },
    async (request) => {
      const { tenantId } = request.caller;
      const from = await at(tenantId, request.query.from, 'from');
      const to = await at(tenantId, request.query.to ?? (await catalogs.refresh(tenantId)).version, 'to');
      return { from: from.version, to: to.version, differences: diffCatalogs(from.data, to.data) };
    },
  );

  app.post(
    '/api/v1/catalog',
    {
      bodyLimit: LARGEST_BODY,
      schema: {
        summary: 'Apply a catalog, or only check it: the same checker as `tidings check`',
        tags: ['catalog'],
        body: filesBody,
        response: { 200: anyObject, '4xx': problemSchema },
      },
    },
    async (request) => {
      const { tenantId, actor } = request.caller;
      const { files, dry_run } = request.body;
      const { data, problems } = await lintCatalog(new Map(Object.entries(files)));
      const errors = problems.filter(({ severity }) => severity === 'error');
      if (data === undefined || errors.length > 0) {
        const first = errors[0];
        const where = first ? `${first.file}:${first.line}:${first.column}: ${first.message}` : 'nothing could be read';
        throw new TidingsError('invalid_catalog', `Nothing was applied: ${where}.`, {
          problems,
          path: first ? `files.${first.file}` : 'files',
        });
      }
      const active = await catalogs.refresh(tenantId);
      const differences = diffCatalogs(active.data, data);
      const waiting = await waitingIn(tenantId, differences);
      if (dry_run) return { version: active.version, changed: false, problems, differences, waiting };
      const { version, changed } = await applyCatalog(pool, tenantId, data, actor, clock());
      await catalogs.adopt(tenantId, version);
      return { version, changed, problems, differences, waiting };
    },
  );

  app.post(
    '/api/v1/catalog/rollback',
    {
      schema: {
        summary: 'Put an earlier version in force again',
        tags: ['catalog'],
        body: z.object({ version: z.number().int().min(1).max(2_147_483_647) }),
        response: { 200: anyObject, '4xx': problemSchema },
      },
    },
    async (request) => {
      const { tenantId, actor } = request.caller;
      const { version } = request.body;
      const done = await rollBackCatalog(pool, tenantId, version, actor, clock());
      if (!done) throw noVersion(version, 'version');
      await catalogs.adopt(tenantId, version);
      return { version, ...done };
    },
  );

  /** People who wait in rules that are changed or gone: they end by the version they began with. */
  async function waitingIn(tenantId: string, differences: readonly Difference[]) {
    const rules = differences.filter(({ part, change }) => part === 'rule' && change !== 'added');
    return countWaiting(
      pool,
      tenantId,
      rules.map(({ name }) => name),
    );
  }

  async function at(tenantId: string, version: number, path: string): Promise<Version> {
    const known = await listCatalogs(pool, tenantId, 1);
    if (version !== 0 && version > (known[0]?.version ?? 0)) throw noVersion(version, path);
    return catalogs.at(tenantId, version);
  }
}

interface Version {
  readonly version: number;
  readonly appliedAt: number;
  readonly data: CatalogData;
}

function noVersion(version: number, path: string): TidingsError {
  return new TidingsError('not_found', `There is no catalog version ${version}; see /api/v1/catalog/versions.`, {
    path,
  });
}
