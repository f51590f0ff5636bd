import { loadNewest } from '../../authoring/edit.ts';
import { activateTemplate, archiveTemplate, rollBackTemplate } from '../../authoring/lifecycle.ts';
import { resolveTemplate } from '../../authoring/resolve.ts';
import { toSummary, toVersionView } from '../../authoring/views.ts';
import { TidingsError } from '../../errors.ts';
import type { Principal } from '../../model/principal.ts';
import { listActivations } from '../../store/templates/activations.ts';
import { listVersions } from '../../store/templates/templates.ts';
import { isoTime } from '../../time/iso-time.ts';
import type { App, HttpDependencies } from '../app.ts';
import { Cursors } from '../cursor.ts';
import {
  activation,
  template,
  templateParams,
  versionChoice,
  versionPage,
  versionQuery,
} from '../schemas/stored-templates.ts';

const TAGS = ['templates'];
const PATH = '/api/v1/templates/:id';

/** Versions of templates, and which of them is active. */
export function registerTemplateVersionRoutes(app: App, { catalogs, database, seal, clock }: HttpDependencies): void {
  const cursors = new Cursors(seal);
  const toCommand = ({ tenantId, actor }: Principal) => ({ pool: database.owner, catalogs, tenantId, actor, clock });

  app.get(
    `${PATH}/versions`,
    {
      config: { scope: 'templates:read', errors: ['not_found'] },
      schema: {
        operationId: 'listTemplateVersions',
        summary: 'List the versions of a template, newest first, and when each became active',
        tags: TAGS,
        params: templateParams,
        querystring: versionQuery,
        response: { 200: versionPage },
      },
    },
    async (request) => {
      const { principal, params, query } = request;
      const { tenantId } = principal;
      const pool = database.forTenant(tenantId);
      const { row } = await resolveTemplate(pool, tenantId, params.id);
      const before = cursors.read(request, ['number'])?.[0] ?? null;
      const versions = await listVersions(pool, tenantId, row.id, query.limit, before);
      const activations = await listActivations(pool, tenantId, row.id);
      const { data } = await catalogs.refresh(tenantId);
      return {
        versions: versions.map((version) => toVersionView(data, version)),
        activations: activations.map(({ kind, version, catalogVersion, by, at }) => {
          return { kind, version, catalog_version: catalogVersion, by: by.name, at: isoTime(at) };
        }),
        next: cursors.next(request, versions, query.limit, (last) => [last.version]),
      };
    },
  );

  app.post(
    `${PATH}/activate`,
    {
      config: {
        scope: 'templates:write',
        errors: ['not_found', 'managed_by_files', 'invalid_template', 'outdated', 'release_under_way'],
      },
      schema: {
        operationId: 'activateTemplate',
        summary: 'Make a version the active one: the newest, or that of the id or the body',
        tags: TAGS,
        params: templateParams,
        body: versionChoice,
        response: { 200: activation },
      },
    },
    async ({ principal, params, body }) => {
      const { row, version } = await resolve(principal, params.id, body.version);
      return { template_id: row.id, ...(await activateTemplate(toCommand(principal), row, version)) };
    },
  );

  app.post(
    `${PATH}/rollback`,
    {
      config: {
        scope: 'templates:write',
        errors: [
          'not_found',
          'managed_by_files',
          'invalid_template',
          'template_in_use',
          'outdated',
          'release_under_way',
        ],
      },
      schema: {
        operationId: 'rollBackTemplate',
        summary: 'Make the version that was active before the active one again, or an earlier one',
        tags: TAGS,
        params: templateParams,
        body: versionChoice,
        response: { 200: activation },
      },
    },
    async ({ principal, params, body }) => {
      const { row, version } = await resolve(principal, params.id, body.version);
      return { template_id: row.id, ...(await rollBackTemplate(toCommand(principal), row, version)) };
    },
  );

  app.post(
    `${PATH}/archive`,
    {
      config: {
        scope: 'templates:write',
        errors: ['not_found', 'managed_by_files', 'template_in_use', 'outdated', 'release_under_way'],
      },
      schema: {
        operationId: 'archiveTemplate',
        summary: 'Take a template out of use; its versions are kept',
        tags: TAGS,
        params: templateParams,
        response: { 200: template },
      },
    },
    async ({ principal, params }) => {
      const { tenantId } = principal;
      const { row } = await resolve(principal, params.id, undefined);
      await archiveTemplate(toCommand(principal), row);
      const pool = database.forTenant(tenantId);
      const { row: after } = await resolveTemplate(pool, tenantId, row.id);
      const newest = await loadNewest(pool, tenantId, row.id);
      const { data } = await catalogs.refresh(tenantId);
      return { ...toSummary(data, after, newest), content: toVersionView(data, newest) };
    },
  );

  /** Returns the template of an id, and the version that the id or the body names. */
  async function resolve({ tenantId }: Principal, id: string, posted: number | undefined) {
    const { row, version } = await resolveTemplate(database.forTenant(tenantId), tenantId, id);
    if (version !== undefined && posted !== undefined && version !== posted) {
      const message = `The path names version ${version}, and the body version ${posted}.`;
      throw new TidingsError('invalid_request', message, { pointer: '/version' });
    }
    return { row, version: posted ?? version };
  }
}
