import type {
  Preview,
  PreviewRequest,
  StoredTemplate,
  TemplateActivation,
  TemplatePage,
  TemplateVersionPage,
  Tenant,
  TestSend,
  TestSendRequest,
} from '@tidings/client/types';
import { buildQuery, callApi } from './call.ts';

const pathOf = (id: string): string => `templates/${encodeURIComponent(id)}`;

/** Returns a page of 50 templates that were made by requests. `type` null: of every type. `after`: as for `getAudit`. */
export const getTemplates = (type: string | null, after: string | null): Promise<TemplatePage> =>
  callApi(`templates?${buildQuery({ limit: '50', type, after })}`);

export const getTemplate = (id: string): Promise<StoredTemplate> => callApi(pathOf(id));

/** Returns the newest 50 versions of a template, and when each became active. `after`: as for `getAudit`. */
export const getTemplateVersions = (id: string, after: string | null): Promise<TemplateVersionPage> =>
  callApi(`${pathOf(id)}/versions?${buildQuery({ limit: '50', after })}`);

/** Makes a version the active one. Throws a Problem `managed_by_files` if templates are files. */
export const activateTemplate = (id: string, version: number): Promise<TemplateActivation> =>
  callApi(`${pathOf(id)}/activate`, 'POST', { version });

/** Makes an earlier version the active one again. */
export const rollBackTemplate = (id: string, version: number): Promise<TemplateActivation> =>
  callApi(`${pathOf(id)}/rollback`, 'POST', { version });

/** Renders a message, and sends nothing. */
export const previewTemplate = (request: PreviewRequest): Promise<Preview> =>
  callApi('templates/preview', 'POST', request);

/** Sends a notification to one user as a test. `key`: a repeated call with the same key sends nothing twice. */
export const testTemplate = (request: TestSendRequest, key: string): Promise<TestSend> =>
  callApi('templates/test', 'POST', request, undefined, { 'idempotency-key': key });

/** Returns the tenant, with its settings. */
export const getTenantSettings = (): Promise<Tenant> => callApi('tenant');
