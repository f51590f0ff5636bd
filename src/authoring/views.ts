import type { CatalogData, TemplateParts, Variables } from '../model/catalog.ts';
import type { Channel } from '../model/delivery.ts';
import type { TemplateRow, VersionRow } from '../store/templates/templates.ts';
import { isoTime, isoTimeOrNull } from '../time/iso-time.ts';
import { findActiveVersion } from './activate.ts';

export const TEMPLATE_STATES = ['draft', 'active', 'archived'] as const;
type TemplateState = (typeof TEMPLATE_STATES)[number];

/** A template as a list shows it. */
export interface TemplateSummary {
  readonly template_id: string;
  readonly name: string;
  readonly type: string;
  readonly channel: Channel;
  /** That of the type in the active catalog; null: it no longer has the type. */
  readonly category: string | null;
  readonly locale: string;
  readonly variant: string | null;
  readonly origin_id: string | null;
  readonly state: TemplateState;
  readonly active_version: number | null;
  readonly newest_version: number;
  readonly created_at: string;
  readonly updated_at: string;
}

/** A version of a template. */
export interface TemplateVersionView {
  readonly version: number;
  readonly state: TemplateState;
  readonly parts: TemplateParts;
  readonly variables: Variables;
  readonly revision: number;
  readonly created_by: string;
  readonly created_at: string;
  readonly updated_at: string;
  readonly activated_at: string | null;
}

export function toSummary(data: CatalogData, row: TemplateRow, newest: VersionRow): TemplateSummary {
  const active = findActiveVersion(data, row.id);
  const isDraft = newest.version === 1 && newest.activatedAt === null && row.archivedAt === null;
  return {
    template_id: row.id,
    name: row.name,
    type: row.notificationType,
    channel: row.channel,
    category: data.notifications.find(({ name }) => name === row.notificationType)?.category ?? null,
    locale: row.locale,
    variant: row.variant,
    origin_id: row.originId,
    state: active !== null ? 'active' : isDraft ? 'draft' : 'archived',
    active_version: active,
    newest_version: newest.version,
    created_at: isoTime(row.createdAt),
    updated_at: isoTime(newest.updatedAt),
  };
}

export function toVersionView(data: CatalogData, version: VersionRow): TemplateVersionView {
  const isActive = findActiveVersion(data, version.templateId) === version.version;
  return {
    version: version.version,
    state: isActive ? 'active' : version.activatedAt === null ? 'draft' : 'archived',
    parts: version.parts,
    variables: version.variables ?? {},
    revision: version.revision,
    created_by: version.createdBy.name,
    created_at: isoTime(version.createdAt),
    updated_at: isoTime(version.updatedAt),
    activated_at: isoTimeOrNull(version.activatedAt),
  };
}
