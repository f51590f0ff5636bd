import type pg from 'pg';
import type { Catalog } from '../catalog/compile/compile-catalog.ts';
import { declareTemplateVariables } from '../catalog/compile/declare-variables.ts';
import { listTemplateFields, type TemplateField } from '../catalog/lint/template-fields.ts';
import { type Preview, previewMessage } from '../delivery/preview/preview.ts';
import { listSendingEvents, type PreviewInput } from '../delivery/preview/preview-data.ts';
import { toEventKey } from '../events/envelope.ts';
import { type CatalogData, DEFAULT_VARIANT, type Template } from '../model/catalog.ts';
import type { Channel } from '../model/delivery.ts';
import type { JsonObject, Millis } from '../model/event.ts';
import type { TenantProfile } from '../model/tenant.ts';
import { loadFileChanges } from '../store/catalog-files.ts';
import { loadEventByKey, loadLastEvent } from '../store/timeline.ts';
import { loadProfile } from '../store/users.ts';
import { type CompiledTemplate, compileTemplate } from '../templates/template.ts';
import { cutIntoSlices } from './slices.ts';

/** Messages of one request, at most. */
export const MAX_CELLS = 24;
/** Templates of a type that are listed, with their fields. */
const MAX_TEMPLATES = 200;
/** Longest time (ms) that rendering takes before the messages that follow are left out. */
const MAX_MS: Millis = 3000;
/** Characters of messages and their data, beyond which those that follow are left out. */
const MAX_CHARS = 8 * 1024 * 1024;

/** A message to render. */
export interface Cell {
  readonly channel: Channel;
  /** Undefined: that of the user, or of the tenant. */
  readonly locale?: string | undefined;
  readonly variant?: string | undefined;
  /** Undefined: a sample. */
  readonly userId?: string | undefined;
  /** An event of the user by the id that its caller gave. */
  readonly eventId?: string | undefined;
  /** Whether it is the newest event of the user for which a rule sends the type. */
  readonly isLast: boolean;
}

export interface RenderAsk {
  readonly tenantId: string;
  readonly notificationType: string;
  readonly cells: readonly Cell[];
  /** For cells without an event of their own. */
  readonly event?: PreviewInput['event'];
  readonly variables?: JsonObject | undefined;
  /** Whether it is looked up when templates changed. */
  readonly withChanges: boolean;
}

/** A message, or why there is not one. */
export type RenderedCell =
  | { readonly preview: Preview }
  | { readonly problem: { readonly code: 'not_found' | 'left_out'; readonly message: string } };

/** A template of the type. */
export interface ListedTemplate {
  readonly channel: Channel;
  readonly locale: string;
  readonly variant: string | null;
  /** Percentage of the users that a test shows it; null: it is in no test. */
  readonly share: number | null;
  /** The version in which its files last changed. Null: it was not asked for, or in none of the latest versions. */
  readonly changedIn: number | null;
}

export interface RenderedTemplates {
  readonly templates: readonly ListedTemplate[];
  readonly fields: readonly TemplateField[];
  /** In the order of the request. */
  readonly cells: readonly RenderedCell[];
}

export interface RenderParts {
  readonly pool: pg.Pool;
  readonly tenant: TenantProfile;
  /** URL for the links of readers; null: there is no such URL. */
  readonly publicUrl: string | null;
  readonly now: Millis;
}

/**
 * Renders messages of a notification type by a version of the catalog or a draft, as they are rendered to be sent, and lists its templates
 * and their fields. A message that cannot be rendered says so itself. Nothing is stored or sent, and of users only masked values are read.
 */
export async function renderTemplates(
  parts: RenderParts,
  catalog: Catalog,
  ask: RenderAsk,
): Promise<RenderedTemplates> {
  const pause = cutIntoSlices();
  const compiled = await compileOfType(catalog.data, ask.notificationType, pause);
  const folder = `templates/${ask.notificationType}/`;
  const changes = ask.withChanges ? await loadFileChanges(parts.pool, ask.tenantId, folder) : NO_CHANGES;
  const templates = compiled.map(({ source }) => toListed(catalog.data, source, changes));
  const named = compiled.map(({ source, template }) => ({ template: source, paths: template.paths }));
  const fields = listTemplateFields(catalog.data, ask.notificationType, named);
  const render = cellRenderer(parts, catalog, compiled, ask);
  const until = performance.now() + MAX_MS;
  const cells: RenderedCell[] = [];
  let chars = 0;
  for (const cell of ask.cells) {
    if (performance.now() > until || chars > MAX_CHARS) {
      const message = 'The messages before it took too long, or are too large together.';
      cells.push({ problem: { code: 'left_out', message } });
      continue;
    }
    const made = await render(cell);
    if ('preview' in made) chars += JSON.stringify([made.preview.message, made.preview.data]).length;
    cells.push(made);
    await pause();
  }
  return { templates, fields, cells };
}

interface CompiledOfType {
  readonly source: Template;
  readonly template: CompiledTemplate;
}

/** Compiles the templates of a type, variants too. */
async function compileOfType(
  data: CatalogData,
  type: string,
  pause: () => Promise<void>,
): Promise<readonly CompiledOfType[]> {
  const { notifications, variables } = declareTemplateVariables(data);
  const own = notifications.find(({ name }) => name === type)?.variables;
  const compiled: CompiledOfType[] = [];
  for (const source of data.templates.filter((one) => one.notificationType === type).slice(0, MAX_TEMPLATES)) {
    const made = compileTemplate(source, { own, shared: variables });
    if ('template' in made) compiled.push({ source, template: made.template });
    await pause();
  }
  return compiled;
}

const NO_CHANGES: ReadonlyMap<string, number> = new Map();

function toListed({ tests = [] }: CatalogData, source: Template, changes: ReadonlyMap<string, number>): ListedTemplate {
  const { notificationType, channel, locale, variant } = source;
  const test = tests.find((one) => one.notificationType === notificationType && one.channel === channel);
  const start = `templates/${notificationType}/${channel}.${variant === undefined ? locale : `${locale}@${variant}`}.`;
  const versions = [...changes].flatMap(([path, version]) => (path.startsWith(start) ? [version] : []));
  return {
    ...{ channel, locale, variant: variant ?? null },
    share: test?.shares[variant ?? DEFAULT_VARIANT] ?? null,
    changedIn: versions.length === 0 ? null : Math.max(...versions),
  };
}

function cellRenderer(
  { pool, tenant, publicUrl, now }: RenderParts,
  catalog: Catalog,
  compiled: readonly CompiledOfType[],
  { tenantId, notificationType, event: posted, variables }: RenderAsk,
): (cell: Cell) => Promise<RenderedCell> {
  const profiles = new Map<string, ReturnType<typeof loadProfile>>();
  const events = new Map<string, ReturnType<typeof loadLastEvent>>();
  const sending = listSendingEvents(catalog, notificationType);
  const recall = <T>(known: Map<string, Promise<T>>, key: string, load: () => Promise<T>): Promise<T> => {
    const found = known.get(key) ?? load();
    known.set(key, found);
    return found;
  };
  const missing = (message: string): RenderedCell => ({ problem: { code: 'not_found', message } });
  return async ({ channel, locale, variant, userId, eventId, isLast }) => {
    const shown = variant === undefined ? catalog : showVariant(catalog, compiled, { channel, locale, variant });
    if (!shown) return missing(`There is no ${channel} template of the variant ${variant} in this locale.`);
    const profile =
      userId === undefined ? undefined : await recall(profiles, userId, () => loadProfile(pool, tenantId, userId));
    if (profile === null) return missing('There is no such user.');
    let event = posted;
    if (userId !== undefined && eventId !== undefined) {
      const load = () => loadEventByKey(pool, tenantId, userId, toEventKey(eventId));
      event = await recall(events, `${userId} id ${eventId}`, load);
      if (!event) return missing('The user has no such event.');
    } else if (userId !== undefined && isLast) {
      event = await recall(events, `${userId} last`, () => loadLastEvent(pool, tenantId, userId, sending));
      if (!event) return missing(`The user has no event on which a rule sends ${notificationType}.`);
    }
    const request = { notificationType, channel, locale, userId, traits: profile?.traits, event, variables };
    const preview = previewMessage(shown, tenant, request, now, publicUrl);
    return preview ? { preview } : missing(`There is no ${channel} template of ${notificationType}.`);
  };
}

/** Returns the catalog with a variant in the place of the template without one; undefined: there is no such variant. */
function showVariant(
  catalog: Catalog,
  compiled: readonly CompiledOfType[],
  { channel, locale, variant }: Pick<Cell, 'channel' | 'locale' | 'variant'>,
): Catalog | undefined {
  const found = compiled.find(
    ({ source }) =>
      source.channel === channel && source.variant === variant && (locale === undefined || source.locale === locale),
  );
  return found && { ...catalog, findTemplate: () => found.template };
}
