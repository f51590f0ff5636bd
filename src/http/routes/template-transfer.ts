import { exportTemplates } from '../../authoring/export.ts';
import { seedTemplates } from '../../authoring/seed.ts';
import { collectTranslations, putTranslations } from '../../authoring/translations.ts';
import { readXliff, writeXliff } from '../../authoring/xliff.ts';
import { TidingsError } from '../../errors.ts';
import type { App, HttpDependencies } from '../app.ts';
import {
  exportedTemplates,
  newTranslations,
  seedBody,
  seedResult,
  translationQuery,
  translationResult,
  translations,
} from '../schemas/template-transfer.ts';

const TAGS = ['templates'];
const MAX_BODY_BYTES = 8 * 1024 * 1024;

/** Templates as files of a catalog, and their texts for translators. */
export function registerTemplateTransferRoutes(app: App, { catalogs, database, clock }: HttpDependencies): void {
  app.get(
    '/api/v1/templates/export',
    {
      config: { scope: 'templates:read' },
      schema: {
        operationId: 'exportTemplates',
        summary: 'Return the active templates as files of a catalog',
        tags: TAGS,
        response: { 200: exportedTemplates },
      },
    },
    async ({ principal: { tenantId } }) => {
      const { data } = await catalogs.refresh(tenantId);
      return exportTemplates(database.forTenant(tenantId), tenantId, data);
    },
  );

  app.post(
    '/api/v1/templates/seed',
    {
      bodyLimit: MAX_BODY_BYTES,
      config: {
        scope: 'templates:write',
        errors: [
          'managed_by_files',
          'invalid_template',
          'template_exists',
          'too_many_templates',
          'outdated',
          'release_under_way',
        ],
      },
      schema: {
        operationId: 'seedTemplates',
        summary: 'Make active templates of the template files of a catalog, all or none',
        tags: TAGS,
        body: seedBody,
        response: { 200: seedResult },
      },
    },
    async ({ principal: { tenantId, actor }, body }) => {
      const command = { pool: database.owner, catalogs, tenantId, actor, clock };
      return seedTemplates(command, new Map(Object.entries(body.files)));
    },
  );

  app.get(
    '/api/v1/templates/translations',
    {
      config: { scope: 'templates:read' },
      schema: {
        operationId: 'exportTranslations',
        summary: 'Return the texts of all templates in two locales, and those that are not translated',
        tags: TAGS,
        querystring: translationQuery,
        response: { 200: translations },
      },
    },
    async ({ principal: { tenantId }, query: { from, to, format } }) => {
      const found = await collectTranslations(database.forTenant(tenantId), tenantId, from, to);
      const missing = found.units.filter(({ target }) => target === null).map(({ id }) => id);
      return format === 'xliff'
        ? { from, to, units: [], missing, xliff: writeXliff(found) }
        : { ...found, missing, xliff: null };
    },
  );

  app.post(
    '/api/v1/templates/translations',
    {
      bodyLimit: MAX_BODY_BYTES,
      config: {
        scope: 'templates:write',
        errors: [
          'managed_by_files',
          'invalid_template',
          'template_exists',
          'too_many_templates',
          'outdated',
          'release_under_way',
        ],
      },
      schema: {
        operationId: 'importTranslations',
        summary: 'Make templates of translated texts; one of which a text is missing is left as it is',
        tags: TAGS,
        body: newTranslations,
        response: { 200: translationResult },
      },
    },
    async ({ principal: { tenantId, actor }, body }) => {
      const { from, to, units, xliff, activate } = body;
      if ((units === undefined) === (xliff === undefined)) {
        throw new TidingsError('invalid_request', 'Write either units or xliff.', { pointer: '/units' });
      }
      const document = xliff === undefined ? undefined : readXliff(xliff);
      const target = to ?? document?.to;
      if (target === undefined)
        throw new TidingsError('invalid_request', 'to is missing; write a locale.', { pointer: '/to' });
      if (document && document.to !== target) {
        throw new TidingsError('invalid_request', `The document is in "${document.to}".`, { pointer: '/to' });
      }
      const command = { pool: database.owner, catalogs, tenantId, actor, clock };
      const posted = { from: document?.from ?? from, to: target, units: document?.units ?? units ?? [] };
      return putTranslations(command, posted, activate);
    },
  );
}
