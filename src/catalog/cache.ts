import type pg from 'pg';
import { type CatalogData, EMPTY_CATALOG, type NotificationType } from '../model/catalog.ts';
import type { Channel } from '../model/delivery.ts';
import type { Millis, ValidateEvent } from '../model/event.ts';
import type { RuleSet } from '../rules/rule-set.ts';
import { activeVersion, loadCatalog } from '../store/catalogs.ts';
import { type CompiledTemplate, compileTemplate } from '../templates/template.ts';
import { ruleSetOf } from './compile/rule-set.ts';
import { DEFAULT_LOCALE } from './parse/templates.ts';
import { newAjv } from './schemas/ajv.ts';
import { compileSchemas } from './schemas/validate-event.ts';

/** One applied version of a tenant's catalog, ready to use. */
export interface Catalog {
  /** 0: the tenant has applied none; events are stored and nothing is decided. */
  readonly version: number;
  readonly appliedAt: Millis;
  readonly data: CatalogData;
  readonly rules: RuleSet;
  readonly check: ValidateEvent;
  notification(name: string): NotificationType;
  /** In the nearest locale there is: `pt-BR`, then `pt`, then the default, then any. */
  template(notificationType: string, channel: Channel, locale: string): CompiledTemplate | undefined;
}

/** The catalogs in memory: versions never change, so what was compiled once stays. */
export class CatalogCache {
  readonly #pool: pg.Pool;
  readonly #versions = new Map<string, Promise<Catalog>>();
  readonly #active = new Map<string, number>();

  constructor(pool: pg.Pool) {
    this.#pool = pool;
  }

  /** The active one as last seen here. A batch compares it with the database in its own transaction. */
  async active(tenantId: string): Promise<Catalog> {
    const version = this.#active.get(tenantId);
    return version === undefined ? this.refresh(tenantId) : this.at(tenantId, version);
  }

  /** Asks the database which version is active. */
  async refresh(tenantId: string): Promise<Catalog> {
    const version = await activeVersion(this.#pool, tenantId);
    this.#active.set(tenantId, version);
    return this.at(tenantId, version);
  }

  /** Marks `version` as the active one: the caller saw it in the database. */
  async adopt(tenantId: string, version: number): Promise<Catalog> {
    this.#active.set(tenantId, version);
    return this.at(tenantId, version);
  }

  async at(tenantId: string, version: number): Promise<Catalog> {
    const key = `${version} ${tenantId}`;
    let catalog = this.#versions.get(key);
    if (!catalog) {
      catalog = this.#load(tenantId, version);
      this.#versions.set(key, catalog);
      catalog.catch(() => this.#versions.delete(key));
    }
    return catalog;
  }

  /**
   * That of the active catalog, so that a mended template reaches what waits; if it has none (any more) for this type and
   * channel, that of the catalog it was decided with. An internal alert does without; anything else must not go out so.
   */
  async templateFor(notification: {
    readonly tenantId: string;
    readonly notificationType: string;
    readonly channel: Channel;
    readonly locale: string;
    readonly catalogVersion: number;
    readonly activeCatalog: number;
  }): Promise<CompiledTemplate | undefined> {
    const { tenantId, notificationType, channel, locale, catalogVersion, activeCatalog } = notification;
    for (const version of new Set([activeCatalog, catalogVersion])) {
      const template = (await this.at(tenantId, version)).template(notificationType, channel, locale);
      if (template) return template;
    }
    return channel === 'internal' ? PLAIN : undefined;
  }

  async #load(tenantId: string, version: number): Promise<Catalog> {
    if (version === 0) return compileCatalog(0, 0, EMPTY_CATALOG);
    const loaded = await loadCatalog(this.#pool, tenantId, version);
    if (!loaded) throw new Error(`catalog version ${version} is not stored`);
    return compileCatalog(version, loaded.appliedAt, loaded.data);
  }
}

/** Throws if it does not compile: only checked catalogs are stored. */
export function compileCatalog(version: number, appliedAt: Millis, data: CatalogData): Catalog {
  const ajv = newAjv();
  const rules = ruleSetOf(version, data, ajv);
  const templates = new Map<string, CompiledTemplate>();
  for (const source of data.templates) {
    const compiled = compileTemplate(source);
    if ('problems' in compiled)
      throw new Error(`template ${source.notificationType}: ${compiled.problems[0]?.message}`);
    templates.set(`${source.notificationType} ${source.channel} ${source.locale}`, compiled.template);
  }
  return {
    version,
    appliedAt,
    data,
    rules,
    check: compileSchemas(data, ajv),
    notification(name) {
      const type = rules.notifications.get(name);
      if (!type) throw new Error(`catalog version ${version} has no notification type ${name}`);
      return type;
    },
    template(notificationType, channel, locale) {
      const prefix = `${notificationType} ${channel} `;
      for (const candidate of [locale, locale.split(/[-_]/)[0], DEFAULT_LOCALE]) {
        const found = templates.get(prefix + candidate);
        if (found) return found;
      }
      for (const [key, template] of templates) if (key.startsWith(prefix)) return template;
      return undefined;
    },
  };
}

/** Of an internal alert without a template. */
const PLAIN = plainTemplate();

function plainTemplate(): CompiledTemplate {
  const compiled = compileTemplate({
    notificationType: '',
    channel: 'internal',
    locale: DEFAULT_LOCALE,
    parts: {
      text: '{{notification.type}}: {{notification.event_type}} of {{notification.user_id}} at {{notification.event_timestamp}}',
    },
  });
  if ('problems' in compiled) throw new Error(compiled.problems[0]?.message);
  return compiled.template;
}
