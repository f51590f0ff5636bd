import { freshId } from '../../lib/fresh-id.ts';
import type { Millis } from '../../model/event.ts';
import type { Actor } from '../../model/principal.ts';
import { isoTime } from '../../time/iso-time.ts';
import type { Connection } from '../pg/pool.ts';

/** Something that became of a template. */
export interface Activation {
  readonly templateId: string;
  readonly kind: 'activated' | 'rolled_back' | 'archived';
  /** Null: no version was active afterwards. */
  readonly version: number | null;
}

/** Activations of a template that are shown, at most. */
const MAX_SHOWN = 100;

/** Returns the latest activations of a template, the newest first. */
export async function listActivations(
  connection: Connection,
  tenantId: string,
  id: string,
): Promise<(Activation & { readonly catalogVersion: number; readonly by: Actor; readonly at: Millis })[]> {
  const { rows } = await connection.query(
    `select template_id as "templateId", kind, version, catalog_version as "catalogVersion", by, at from template_activations
     where tenant_id = $1 and template_id = $2 order by activation_id desc limit ${MAX_SHOWN}`,
    [tenantId, id],
  );
  return rows;
}

/** Adds activations, in the transaction that applies their catalog version. */
export async function insertActivations(
  connection: Connection,
  tenantId: string,
  activations: readonly Activation[],
  catalogVersion: number,
  by: Actor,
  now: Millis,
): Promise<void> {
  await connection.query(
    `insert into template_activations (tenant_id, activation_id, template_id, kind, version, catalog_version, by, at)
     select $1, activation_id, template_id, kind, version, $6, $7, $8
     from unnest($2::uuid[], $3::uuid[], $4::text[], $5::int[]) as a (activation_id, template_id, kind, version)`,
    [
      tenantId,
      activations.map(() => freshId()),
      activations.map(({ templateId }) => templateId),
      activations.map(({ kind }) => kind),
      activations.map(({ version }) => version),
      catalogVersion,
      JSON.stringify(by),
      isoTime(now),
    ],
  );
}

/**
 * Makes drafts immutable. Returns whether each of these versions still has the revision that was checked.
 * @param versions of templates
 */
export async function sealVersions(
  connection: Connection,
  tenantId: string,
  versions: readonly { readonly templateId: string; readonly version: number; readonly revision: number }[],
  now: Millis,
): Promise<boolean> {
  const { rowCount } = await connection.query(
    `update template_versions as v set activated_at = coalesce(v.activated_at, $5)
     from unnest($2::uuid[], $3::int[], $4::bigint[]) as w (template_id, version, revision)
     where v.tenant_id = $1 and v.template_id = w.template_id and v.version = w.version and v.revision = w.revision`,
    [
      tenantId,
      versions.map(({ templateId }) => templateId),
      versions.map(({ version }) => version),
      versions.map(({ revision }) => revision),
      isoTime(now),
    ],
  );
  return rowCount === versions.length;
}
