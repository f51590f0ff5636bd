import type { StoredVersion, TemplateParts, Variables } from '../../model/catalog.ts';
import type { Channel } from '../../model/delivery.ts';
import type { Millis } from '../../model/event.ts';
import type { Actor } from '../../model/principal.ts';
import { isoTime } from '../../time/iso-time.ts';
import type { Connection } from '../pg/pool.ts';

/** A template that was made over the API, without its contents. */
export interface TemplateRow {
  readonly id: string;
  readonly name: string;
  readonly notificationType: string;
  readonly channel: Channel;
  readonly locale: string;
  readonly variant: string | null;
  /** The template that it translates; null: it is no localization. */
  readonly originId: string | null;
  readonly archivedAt: Millis | null;
  readonly createdAt: Millis;
}

/** A version of a template. */
export interface VersionRow {
  readonly templateId: string;
  readonly version: number;
  /** As they were posted; parts with a structure are text. */
  readonly parts: TemplateParts;
  readonly variables: Variables | null;
  readonly revision: number;
  readonly createdBy: Actor;
  readonly createdAt: Millis;
  readonly updatedAt: Millis;
  /** The first time; null: it is a draft. */
  readonly activatedAt: Millis | null;
}

const COLUMNS = `template_id as id, name, notification_type as "notificationType", channel, locale, variant, origin_id as "originId",
  archived_at as "archivedAt", created_at as "createdAt"`;
const VERSION_COLUMNS = `template_id as "templateId", version, parts, variables, revision, created_by as "createdBy",
  created_at as "createdAt", updated_at as "updatedAt", activated_at as "activatedAt"`;

/** Which templates a list has; absent: any. */
export interface TemplateFilter {
  readonly type?: string | undefined;
  readonly channel?: Channel | undefined;
  readonly locale?: string | undefined;
}

/** Returns templates by name and locale, after a position. */
export async function listTemplates(
  connection: Connection,
  tenantId: string,
  { type, channel, locale }: TemplateFilter,
  limit: number,
  after: readonly [name: string, locale: string] | null = null,
): Promise<TemplateRow[]> {
  const { rows } = await connection.query<TemplateRow>(
    `select ${COLUMNS} from templates
     where tenant_id = $1 and ($2::text is null or notification_type = $2) and ($3::text is null or channel = $3)
       and ($4::text is null or locale = $4) and ($5::text is null or (name, locale) > ($5, $6))
     order by name, locale limit $7`,
    [tenantId, type ?? null, channel ?? null, locale ?? null, after?.[0] ?? null, after?.[1] ?? null, limit],
  );
  return rows;
}

/** Returns the number of templates of a tenant. */
export async function countTemplates(connection: Connection, tenantId: string): Promise<number> {
  const { rows } = await connection.query<{ count: number }>(
    'select count(*)::int as count from templates where tenant_id = $1',
    [tenantId],
  );
  return rows[0]?.count ?? 0;
}

export async function loadTemplateRow(
  connection: Connection,
  tenantId: string,
  id: string,
): Promise<TemplateRow | undefined> {
  const { rows } = await connection.query<TemplateRow>(
    `select ${COLUMNS} from templates where tenant_id = $1 and template_id = $2`,
    [tenantId, id],
  );
  return rows[0];
}

/** Returns the template of a name: in a locale, or without one that which the others translate. */
export async function findTemplateByName(
  connection: Connection,
  tenantId: string,
  name: string,
  locale: string | undefined,
): Promise<TemplateRow | undefined> {
  const { rows } = await connection.query<TemplateRow>(
    `select ${COLUMNS} from templates where tenant_id = $1 and name = $2 and ($3::text is null or locale = $3)
     order by origin_id is not null, created_at, template_id limit 1`,
    [tenantId, name, locale ?? null],
  );
  return rows[0];
}

/** Locks a template until the end of the transaction. Returns false if it does not exist. */
export async function lockTemplate(connection: Connection, tenantId: string, id: string): Promise<boolean> {
  const { rowCount } = await connection.query(
    'select from templates where tenant_id = $1 and template_id = $2 for update',
    [tenantId, id],
  );
  return rowCount === 1;
}

/** Stores a template. Returns false if one of this name and locale exists. */
export async function insertTemplate(
  connection: Connection,
  tenantId: string,
  row: Omit<TemplateRow, 'archivedAt'>,
): Promise<boolean> {
  const { rowCount } = await connection.query(
    `insert into templates (tenant_id, template_id, name, notification_type, channel, locale, variant, origin_id, created_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9) on conflict (tenant_id, name, locale) do nothing`,
    [
      tenantId,
      row.id,
      row.name,
      row.notificationType,
      row.channel,
      row.locale,
      row.variant,
      row.originId,
      isoTime(row.createdAt),
    ],
  );
  return rowCount === 1;
}

/** Marks a template as archived, or as one that is not. */
export async function setArchived(
  connection: Connection,
  tenantId: string,
  id: string,
  at: Millis | null,
): Promise<void> {
  await connection.query('update templates set archived_at = $3 where tenant_id = $1 and template_id = $2', [
    tenantId,
    id,
    at === null ? null : isoTime(at),
  ]);
}

/** Deletes a template with all its versions. */
export async function deleteTemplate(connection: Connection, tenantId: string, id: string): Promise<void> {
  await connection.query('delete from templates where tenant_id = $1 and template_id = $2', [tenantId, id]);
}

/** Returns versions of a template, the newest first, below `before`. */
export async function listVersions(
  connection: Connection,
  tenantId: string,
  id: string,
  limit: number,
  before: number | null = null,
): Promise<VersionRow[]> {
  const { rows } = await connection.query<VersionRow>(
    `select ${VERSION_COLUMNS} from template_versions
     where tenant_id = $1 and template_id = $2 and ($4::int is null or version < $4) order by version desc limit $3`,
    [tenantId, id, limit, before],
  );
  return rows;
}

export async function loadVersion(
  connection: Connection,
  tenantId: string,
  id: string,
  version: number,
): Promise<VersionRow | undefined> {
  const { rows } = await connection.query<VersionRow>(
    `select ${VERSION_COLUMNS} from template_versions where tenant_id = $1 and template_id = $2 and version = $3`,
    [tenantId, id, version],
  );
  return rows[0];
}

/** Returns the newest version of each of these templates, by template. */
export async function loadNewestVersions(
  connection: Connection,
  tenantId: string,
  ids: readonly string[],
): Promise<ReadonlyMap<string, VersionRow>> {
  const { rows } = await connection.query<VersionRow>(
    `select distinct on (template_id) ${VERSION_COLUMNS} from template_versions
     where tenant_id = $1 and template_id = any($2::uuid[]) order by template_id, version desc`,
    [tenantId, ids],
  );
  return new Map(rows.map((row) => [row.templateId, row]));
}

/** Returns these versions with their templates; those that the tenant does not have are left out. */
export async function loadVersions(
  connection: Connection,
  tenantId: string,
  versions: readonly StoredVersion[],
): Promise<(TemplateRow & VersionRow)[]> {
  const { rows } = await connection.query<TemplateRow & VersionRow>(
    `select t.template_id as id, t.name, t.notification_type as "notificationType", t.channel, t.locale, t.variant,
            t.origin_id as "originId", t.archived_at as "archivedAt", v.template_id as "templateId", v.version, v.parts, v.variables,
            v.revision, v.created_by as "createdBy", v.created_at as "createdAt", v.updated_at as "updatedAt",
            v.activated_at as "activatedAt"
     from unnest($2::uuid[], $3::int[]) as w (template_id, version)
     join template_versions as v on v.tenant_id = $1 and v.template_id = w.template_id and v.version = w.version
     join templates as t on t.tenant_id = v.tenant_id and t.template_id = v.template_id
     order by t.name, t.locale`,
    [tenantId, versions.map(({ id }) => id), versions.map(({ version }) => version)],
  );
  return rows;
}

/** The content of a version. */
export type VersionContent = Pick<VersionRow, 'parts' | 'variables'>;

/** Adds a draft. */
export async function insertVersion(
  connection: Connection,
  tenantId: string,
  id: string,
  version: number,
  { parts, variables }: VersionContent,
  by: Actor,
  now: Millis,
): Promise<void> {
  await connection.query(
    `insert into template_versions (tenant_id, template_id, version, parts, variables, created_by, created_at, updated_at)
     values ($1, $2, $3, $4, $5, $6, $7, $7)`,
    [
      tenantId,
      id,
      version,
      JSON.stringify(parts),
      variables && JSON.stringify(variables),
      JSON.stringify(by),
      isoTime(now),
    ],
  );
}

/** Changes a draft, whose template is locked. */
export async function updateDraft(
  connection: Connection,
  tenantId: string,
  id: string,
  version: number,
  { parts, variables }: VersionContent,
  now: Millis,
): Promise<void> {
  await connection.query(
    `update template_versions set parts = $4, variables = $5, revision = revision + 1, updated_at = $6
     where tenant_id = $1 and template_id = $2 and version = $3 and activated_at is null`,
    [tenantId, id, version, JSON.stringify(parts), variables && JSON.stringify(variables), isoTime(now)],
  );
}

export async function deleteVersion(
  connection: Connection,
  tenantId: string,
  id: string,
  version: number,
): Promise<void> {
  await connection.query(
    'delete from template_versions where tenant_id = $1 and template_id = $2 and version = $3 and activated_at is null',
    [tenantId, id, version],
  );
}
