import {
  createLocalization,
  createTemplate,
  deleteDraft,
  type EditedTemplate,
  loadNewest,
  toGone,
  updateTemplate,
} from '../../authoring/edit.ts';
import { resolveTemplate } from '../../authoring/resolve.ts';
import { toSummary, toVersionView } from '../../authoring/views.ts';
import type { CatalogData } from '../../model/catalog.ts';
import type { Principal } from '../../model/principal.ts';
import { listTemplates, loadNewestVersions, loadVersion } from '../../store/templates/templates.ts';
import type { App, HttpDependencies } from '../app.ts';
import { Cursors } from '../cursor.ts';
import { readIfMatch, setEtag } from '../if-match.ts';
import {
  deletedDraft,
  editedTemplate,
  newLocalization,
  newTemplate,
  template,
  templateChange,
  templatePage,
  templateParams,
  templateQuery,
  toChangedTexts,
  toTexts,
  toVariables,
} from '../schemas/stored-templates.ts';

const TAGS = ['templates'];
const PATH = '/api/v1/templates/:id';
const MAX_BODY_BYTES = 2 * 1024 * 1024;

/** Templates of tenants that make them over the API: the templates themselves, and their drafts. */
export function registerStoredTemplateRoutes(app: App, { catalogs, database, seal, clock }: HttpDependencies): void {
  const cursors = new Cursors(seal);
  const toCommand = ({ tenantId, actor }: Principal) => ({ pool: database.owner, catalogs, tenantId, actor, clock });

  app.get(
    '/api/v1/templates',
    {
      config: { scope: 'templates:read' },
      schema: {
        operationId: 'listTemplates',
        summary: 'List the templates that were made over the API, by name and locale',
        tags: TAGS,
        querystring: templateQuery,
        response: { 200: templatePage },
      },
    },
    async (request) => {
      const { principal, query } = request;
      const { tenantId } = principal;
      const pool = database.forTenant(tenantId);
      const after = cursors.read(request, ['text', 'text']);
      const rows = await listTemplates(pool, tenantId, query, query.limit, after);
      const newest = await loadNewestVersions(
        pool,
        tenantId,
        rows.map(({ id }) => id),
      );
      const { data } = await catalogs.refresh(tenantId);
      return {
        templates: rows.flatMap((row) => {
          const version = newest.get(row.id);
          return version ? [toSummary(data, row, version)] : [];
        }),
        next: cursors.next(request, rows, query.limit, (last) => [last.name, last.locale]),
      };
    },
  );

  app.post(
    '/api/v1/templates',
    {
      bodyLimit: MAX_BODY_BYTES,
      config: {
        scope: 'templates:write',
        errors: ['managed_by_files', 'invalid_template', 'category_mismatch', 'template_exists', 'too_many_templates'],
      },
      schema: {
        operationId: 'createTemplate',
        summary: 'Make a template; its first version is a draft',
        tags: TAGS,
        body: newTemplate,
        response: { 201: editedTemplate },
      },
    },
    async (request, reply) => {
      const { principal, body, operationId } = request;
      const { type, variant, variables, category, parts, ...rest } = body;
      const posted = { id: operationId, ...rest, notificationType: type, category, parts: toTexts(parts) };
      const command = toCommand(principal);
      const edited = await createTemplate(command, {
        ...posted,
        variant: variant ?? null,
        variables: variables ? toVariables(variables) : null,
      });
      setEtag(reply, edited.version.revision);
      return reply.status(201).send(toEdited((await catalogs.refresh(principal.tenantId)).data, edited));
    },
  );

  app.get(
    PATH,
    {
      config: { scope: 'templates:read', errors: ['not_found'] },
      schema: {
        operationId: 'getTemplate',
        summary: 'Show a template with its newest version, or another one',
        tags: TAGS,
        params: templateParams,
        response: { 200: template },
      },
    },
    async ({ principal: { tenantId }, params }, reply) => {
      const pool = database.forTenant(tenantId);
      const { row, version } = await resolveTemplate(pool, tenantId, params.id);
      const newest = await loadNewest(pool, tenantId, row.id);
      const shown = version === undefined ? newest : await loadVersion(pool, tenantId, row.id, version);
      if (!shown) throw toGone();
      setEtag(reply, shown.revision);
      const { data } = await catalogs.refresh(tenantId);
      return { ...toSummary(data, row, newest), content: toVersionView(data, shown) };
    },
  );

  app.patch(
    PATH,
    {
      bodyLimit: MAX_BODY_BYTES,
      config: {
        scope: 'templates:write',
        errors: ['not_found', 'managed_by_files', 'invalid_template', 'outdated', 'release_under_way'],
      },
      schema: {
        operationId: 'updateTemplate',
        summary: 'Change the draft of a template; without one, make the next version as a draft',
        tags: TAGS,
        params: templateParams,
        body: templateChange,
        response: { 200: editedTemplate },
      },
    },
    async (request, reply) => {
      const { principal, params, body } = request;
      const { row } = await resolveTemplate(database.forTenant(principal.tenantId), principal.tenantId, params.id);
      const { parts, variables } = body;
      const change = {
        parts: toChangedTexts(parts ?? {}),
        variables: variables ? toVariables(variables) : variables,
      };
      const edited = await updateTemplate(toCommand(principal), row, change, readIfMatch(request));
      setEtag(reply, edited.version.revision);
      return toEdited((await catalogs.refresh(principal.tenantId)).data, edited);
    },
  );

  app.delete(
    PATH,
    {
      config: {
        scope: 'templates:write',
        errors: ['not_found', 'managed_by_files', 'template_in_use', 'outdated', 'release_under_way'],
      },
      schema: {
        operationId: 'deleteTemplateDraft',
        summary: 'Delete the draft of a template, and the template if it has no other version',
        tags: TAGS,
        params: templateParams,
        response: { 200: deletedDraft },
      },
    },
    async (request) => {
      const { principal, params } = request;
      const { row } = await resolveTemplate(database.forTenant(principal.tenantId), principal.tenantId, params.id);
      const { version, isGone } = await deleteDraft(toCommand(principal), row, readIfMatch(request));
      return { template_id: row.id, version, is_gone: isGone };
    },
  );

  app.post(
    `${PATH}/localizations`,
    {
      bodyLimit: MAX_BODY_BYTES,
      config: {
        scope: 'templates:write',
        errors: ['not_found', 'managed_by_files', 'invalid_template', 'template_exists', 'too_many_templates'],
      },
      schema: {
        operationId: 'createTemplateLocalization',
        summary: 'Make the template of another locale; its first version is a draft',
        tags: TAGS,
        params: templateParams,
        body: newLocalization,
        response: { 201: editedTemplate },
      },
    },
    async ({ principal, params, body, operationId }, reply) => {
      const { row } = await resolveTemplate(database.forTenant(principal.tenantId), principal.tenantId, params.id);
      const posted = {
        id: operationId,
        locale: body.locale,
        parts: toTexts(body.parts),
        variables: body.variables ? toVariables(body.variables) : null,
      };
      const edited = await createLocalization(toCommand(principal), row, posted);
      setEtag(reply, edited.version.revision);
      return reply.status(201).send(toEdited((await catalogs.refresh(principal.tenantId)).data, edited));
    },
  );
}

function toEdited(data: CatalogData, { row, version, problems }: EditedTemplate) {
  return { ...toSummary(data, row, version), content: toVersionView(data, version), problems };
}
