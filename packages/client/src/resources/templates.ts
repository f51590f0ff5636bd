import type { CallOptions } from '../connection.ts';
import type { Listing } from '../listing.ts';
import { Resource } from '../resource.ts';
import type {
  DeletedDraft,
  EditedTemplate,
  ExportedTemplates,
  NewLocalization,
  NewTemplate,
  NewTranslations,
  NewVariantTest,
  Preview,
  PreviewRequest,
  SeedResult,
  StoredTemplate,
  TemplateActivation,
  TemplateChange,
  TemplateFiles,
  TemplateSummary,
  TemplateVersion,
  TemplateVersionChoice,
  TestSend,
  TestSendRequest,
  TranslationResult,
  Translations,
  VariantTest,
  VariantTestEnd,
  VariantTestResults,
} from '../types.ts';

/** Which templates a list has; absent: any. */
export interface TemplateFilter {
  readonly type?: string;
  readonly channel?: TemplateSummary['channel'];
  readonly locale?: string;
  /** Templates of a request. Default: 50. */
  readonly limit?: number;
}

/**
 * Templates: previews of all, and those that are made over the API. An id is the `template_id`, or `NAME`, `NAME.LOCALE`,
 * `NAME_V2`.
 */
export class Templates extends Resource {
  /** Renders a message without sending it, and returns it with findings about it. */
  preview(body: PreviewRequest, options?: CallOptions): Promise<Preview> {
    return this.request('post', '/api/v1/templates/preview', { body }, options);
  }

  /** Sends a notification to one user as a test. */
  test(body: TestSendRequest, options?: CallOptions): Promise<TestSend> {
    return this.request('post', '/api/v1/templates/test', { body }, options);
  }

  list(filter: TemplateFilter = {}, options?: CallOptions): Listing<TemplateSummary> {
    return this.pages('/api/v1/templates', 'templates', { query: filter }, options);
  }

  get(id: string, options?: CallOptions): Promise<StoredTemplate> {
    return this.request('get', '/api/v1/templates/{id}', { path: { id } }, options);
  }

  /** The newest version first. */
  versions(id: string, options?: CallOptions): Listing<TemplateVersion> {
    return this.pages('/api/v1/templates/{id}/versions', 'versions', { path: { id } }, options);
  }

  /** Makes a template; its first version is a draft. */
  create(body: NewTemplate, options?: CallOptions): Promise<EditedTemplate> {
    return this.request('post', '/api/v1/templates', { body }, options);
  }

  /** Changes the draft of a template; without one, makes the next version as a draft. */
  update(id: string, body: TemplateChange, options?: CallOptions): Promise<EditedTemplate> {
    return this.request('patch', '/api/v1/templates/{id}', { path: { id }, body }, options);
  }

  /** Makes the template of another locale. */
  createLocalization(id: string, body: NewLocalization, options?: CallOptions): Promise<EditedTemplate> {
    return this.request('post', '/api/v1/templates/{id}/localizations', { path: { id }, body }, options);
  }

  /** Makes a version the active one: the newest, unless the id or the body names another. */
  activate(id: string, body: TemplateVersionChoice = {}, options?: CallOptions): Promise<TemplateActivation> {
    return this.request('post', '/api/v1/templates/{id}/activate', { path: { id }, body }, options);
  }

  /** Makes the version that was active before the active one again, or an earlier one. */
  rollback(id: string, body: TemplateVersionChoice = {}, options?: CallOptions): Promise<TemplateActivation> {
    return this.request('post', '/api/v1/templates/{id}/rollback', { path: { id }, body }, options);
  }

  /** Takes a template out of use; its versions are kept. */
  archive(id: string, options?: CallOptions): Promise<StoredTemplate> {
    return this.request('post', '/api/v1/templates/{id}/archive', { path: { id } }, options);
  }

  /** Deletes the draft of a template, and the template if it has no other version. */
  delete(id: string, options?: CallOptions): Promise<DeletedDraft> {
    return this.request('delete', '/api/v1/templates/{id}', { path: { id } }, options);
  }

  /** Returns the active templates as files of a catalog. */
  export(options?: CallOptions): Promise<ExportedTemplates> {
    return this.request('get', '/api/v1/templates/export', {}, options);
  }

  /** Makes active templates of the template files of a catalog, all or none. */
  seed(body: TemplateFiles, options?: CallOptions): Promise<SeedResult> {
    return this.request('post', '/api/v1/templates/seed', { body }, options);
  }

  /** Returns the texts of all templates in two locales. */
  exportTranslations(
    query: { readonly from?: string; readonly to: string; readonly format?: 'json' | 'xliff' },
    options?: CallOptions,
  ): Promise<Translations> {
    return this.request('get', '/api/v1/templates/translations', { query }, options);
  }

  /** Makes templates of translated texts; one of which a text is missing is left as it is. */
  importTranslations(body: NewTranslations, options?: CallOptions): Promise<TranslationResult> {
    return this.request('post', '/api/v1/templates/translations', { body }, options);
  }

  /** Begins a test of the variants of a template. */
  startTest(id: string, body: NewVariantTest, options?: CallOptions): Promise<VariantTest> {
    return this.request('put', '/api/v1/templates/{id}/variants', { path: { id }, body }, options);
  }

  endTest(id: string, options?: CallOptions): Promise<VariantTestEnd> {
    return this.request('delete', '/api/v1/templates/{id}/variants', { path: { id } }, options);
  }

  /** The results of the latest test, with numbers of users per variant. */
  testResults(id: string, options?: CallOptions): Promise<VariantTestResults> {
    return this.request('get', '/api/v1/templates/{id}/variants/results', { path: { id } }, options);
  }
}
