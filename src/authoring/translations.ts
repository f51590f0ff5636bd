import type { CatalogCommand } from '../catalog/apply.ts';
import { requireApiSource } from '../catalog/stored/template-source.ts';
import type { ProblemPart } from '../errors.ts';
import type { Connection } from '../store/pg/pool.ts';
import { listTemplates, loadNewestVersions, type TemplateRow, type VersionRow } from '../store/templates/templates.ts';
import { type NewContent, putTemplates } from './seed.ts';
import type { Translations, TranslationUnit } from './xliff.ts';

/** Templates of a locale whose texts are translated, at most. */
const MAX_TEMPLATES = 5000;

/** Parts whose texts a reader sees: a translation has all of them. Others are taken over. */
const TRANSLATED: ReadonlySet<string> = new Set(['subject', 'preheader', 'title', 'html', 'mjml', 'text', 'actions']);

interface Pair {
  readonly row: TemplateRow;
  readonly source: VersionRow;
  /** Undefined: there is no template in the other locale. */
  readonly target: VersionRow | undefined;
}

/** Returns the texts of the newest versions of all templates of a locale, with those of another one. */
export async function collectTranslations(
  connection: Connection,
  tenantId: string,
  from: string,
  to: string,
): Promise<Translations> {
  const pairs = await loadPairs(connection, tenantId, from, to);
  const units = pairs.flatMap(({ row, source, target }) =>
    Object.entries(source.parts)
      .filter(([part]) => TRANSLATED.has(part))
      .map(([part, text]) => ({ id: `${row.name}/${part}`, source: text, target: target?.parts[part] ?? null })),
  );
  return { from, to, units };
}

async function loadPairs(connection: Connection, tenantId: string, from: string, to: string): Promise<readonly Pair[]> {
  const rows = await listTemplates(connection, tenantId, { locale: from }, MAX_TEMPLATES);
  const others = await listTemplates(connection, tenantId, { locale: to }, MAX_TEMPLATES);
  const newest = await loadNewestVersions(
    connection,
    tenantId,
    [...rows, ...others].map(({ id }) => id),
  );
  const byName = new Map(others.map(({ name, id }) => [name, newest.get(id)]));
  return rows.flatMap((row) => {
    const source = newest.get(row.id);
    return source ? [{ row, source, target: byName.get(row.name) }] : [];
  });
}

export interface TranslationResult {
  /** Templates that were made or changed. */
  readonly changed: number;
  readonly same: number;
  /** Texts without a translation: their templates are left as they are, and readers see the locale that stands in. */
  readonly missing: readonly string[];
  /** Units that are no text of a template. */
  readonly unknown: readonly string[];
  /** Texts that have changed since they were given away for translation. */
  readonly stale: readonly string[];
  readonly problems: readonly ProblemPart[];
}

/**
 * Makes templates of translated texts. A template of which one text is missing is left as it is: a message is of one locale.
 *
 * @param units those without a source are not compared with it
 * @throws TidingsError `managed_by_files`, `invalid_template`
 */
export async function putTranslations(
  command: CatalogCommand,
  { from, to, units }: { readonly from: string; readonly to: string; readonly units: readonly PostedUnit[] },
  activate: boolean,
): Promise<TranslationResult> {
  const { pool, tenantId } = command;
  await requireApiSource(pool, tenantId);
  const given = new Map(units.map((unit) => [unit.id, unit]));
  const missing: string[] = [];
  const stale: string[] = [];
  const contents: NewContent[] = [];
  const known = new Set<string>();
  for (const { row, source } of await loadPairs(pool, tenantId, from, to)) {
    const parts: [string, string][] = [];
    const lacking: string[] = [];
    for (const [part, text] of Object.entries(source.parts)) {
      const id = `${row.name}/${part}`;
      const unit = given.get(id);
      known.add(id);
      if (!TRANSLATED.has(part)) parts.push([part, text]);
      else if (unit?.target) parts.push([part, unit.target]);
      else lacking.push(id);
      if (unit?.source !== undefined && unit.source !== text) stale.push(id);
    }
    const translated = Object.keys(source.parts).filter((part) => TRANSLATED.has(part));
    // A template that no unit names was not translated.
    if (!translated.some((part) => given.has(`${row.name}/${part}`))) continue;
    missing.push(...lacking);
    if (lacking.length > 0) continue;
    const { name, notificationType, channel, variant } = row;
    const { variables } = source;
    contents.push({
      name,
      notificationType,
      channel,
      variant,
      locale: to,
      parts: Object.fromEntries(parts),
      variables,
    });
  }
  const result = await putTemplates(
    command,
    contents,
    activate,
    (one, member) => `/units/${one.notificationType}/${member}`,
  );
  return { ...result, missing, unknown: [...given.keys()].filter((id) => !known.has(id)), stale };
}

/** A translated text; without a source it is not compared with what is translated now. */
export type PostedUnit = Pick<TranslationUnit, 'id' | 'target'> & { readonly source?: string | undefined };
