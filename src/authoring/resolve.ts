import { canonicalizeLocale } from '../lib/text/locale.ts';
import type { Connection } from '../store/pg/pool.ts';
import { findTemplateByName, loadTemplateRow, type TemplateRow } from '../store/templates/templates.ts';
import { toGone } from './edit.ts';

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** A template that was named, and perhaps a version of it. */
export interface ResolvedTemplate {
  readonly row: TemplateRow;
  /** Undefined: the name says nothing of one. */
  readonly version: number | undefined;
}

/**
 * Returns the template that an id names: its own id, or `NAME`, `NAME.LOCALE`, and with a version `NAME_V2` or
 * `NAME.LOCALE_V2`. A name without a locale is the template that others translate.
 *
 * @throws TidingsError `not_found`
 */
export async function resolveTemplate(connection: Connection, tenantId: string, id: string): Promise<ResolvedTemplate> {
  if (UUID.test(id)) {
    const row = await loadTemplateRow(connection, tenantId, id);
    if (row) return { row, version: undefined };
  }
  const [, base, number] = /^(.+)_[Vv](\d{1,9})$/s.exec(id) ?? [];
  const forms = [{ text: id, version: undefined }];
  const versioned = base === undefined ? [] : [{ text: base, version: Number(number) }];
  for (const { text, version } of [...forms, ...versioned]) {
    const row = (await findTemplateByName(connection, tenantId, text, undefined)) ?? (await findInLocale(text));
    if (row) return { row, version };
  }
  throw toGone();

  async function findInLocale(text: string): Promise<TemplateRow | undefined> {
    const [, name, suffix] = /^(.+)\.([^.]+)$/s.exec(text) ?? [];
    const locale = suffix === undefined ? undefined : canonicalizeLocale(suffix);
    return name === undefined || locale === undefined
      ? undefined
      : findTemplateByName(connection, tenantId, name, locale);
  }
}
