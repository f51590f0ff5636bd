import type pg from 'pg';
import { EMPTY_CATALOG } from '../model/catalog.ts';
import type { Channel } from '../model/delivery.ts';
import { loadActiveVersion, loadCatalog } from '../store/catalogs.ts';
import { type CompiledTemplate, compileTemplate } from '../templates/template.ts';
import { type Catalog, compileCatalog } from './compile/compile-catalog.ts';
import { DEFAULT_LOCALE } from './locale.ts';

/** Compiled versions in memory, of all tenants; one takes up to some megabytes. */
const MAX_COMPILED_VERSIONS = 64;

/**
 * Compiled catalog versions of all tenants, kept in memory: the MAX_COMPILED_VERSIONS that were used last. A version never
 * changes, so it is loaded and compiled again only after it was evicted.
 */
export class CatalogCache {
  readonly #pool: pg.Pool;
  readonly #versions = new Map<string, Promise<Catalog>>();
  readonly #active = new Map<string, number>();
  readonly #maxVersions: number;

  constructor(pool: pg.Pool, { maxVersions = MAX_COMPILED_VERSIONS } = {}) {
    this.#pool = pool;
    this.#maxVersions = maxVersions;
  }

  /** Number of versions in memory. */
  get size(): number {
    return this.#versions.size;
  }

  /**
   * Returns the version that was active when this process last looked. A batch compares it with the database inside its
   * own transaction.
   */
  async getActive(tenantId: string): Promise<Catalog> {
    const version = this.#active.get(tenantId);
    return version === undefined ? this.refresh(tenantId) : this.getVersion(tenantId, version);
  }

  /** Reads the active version from the database, remembers it and returns it. */
  async refresh(tenantId: string): Promise<Catalog> {
    const version = await loadActiveVersion(this.#pool, tenantId);
    this.#active.set(tenantId, version);
    return this.getVersion(tenantId, version);
  }

  /** Remembers `version` as the active one, without asking the database: the caller has just read or written it there. */
  async setActive(tenantId: string, version: number): Promise<Catalog> {
    this.#active.set(tenantId, version);
    return this.getVersion(tenantId, version);
  }

  /**
   * Returns a version, compiled. Version 0 is the empty catalog.
   *
   * @throws Error for a version that is not stored
   */
  async getVersion(tenantId: string, version: number): Promise<Catalog> {
    const key = `${version} ${tenantId}`;
    const known = this.#versions.get(key);
    if (known) {
      // The last in the order of the map is the one that was used last.
      this.#versions.delete(key);
      this.#versions.set(key, known);
      return known;
    }
    const catalog = this.#load(tenantId, version);
    this.#versions.set(key, catalog);
    catalog.catch(() => this.#versions.get(key) === catalog && this.#versions.delete(key));
    for (const oldest of this.#versions.keys()) {
      if (this.#versions.size <= this.#maxVersions) break;
      this.#versions.delete(oldest);
    }
    return catalog;
  }

  /**
   * Returns the template to render a notification with: that of the active catalog, so that a fixed template reaches
   * notifications that are already waiting. If the active catalog has no template for the type and channel, returns that of
   * the catalog version that decided. Returns undefined if neither has one, and then the message must not be sent; only
   * the `internal` channel falls back to a built-in template.
   */
  async loadTemplate(notification: {
    readonly tenantId: string;
    readonly notificationType: string;
    readonly channel: Channel;
    readonly locale: string;
    readonly catalogVersion: number;
    readonly activeCatalog: number;
  }): Promise<CompiledTemplate | undefined> {
    const { tenantId, notificationType, channel, locale, catalogVersion, activeCatalog } = notification;
    for (const version of new Set([activeCatalog, catalogVersion])) {
      const template = (await this.getVersion(tenantId, version)).findTemplate(notificationType, channel, locale);
      if (template) return template;
    }
    return channel === 'internal' ? INTERNAL_FALLBACK_TEMPLATE : undefined;
  }

  async #load(tenantId: string, version: number): Promise<Catalog> {
    if (version === 0) return compileCatalog(0, 0, EMPTY_CATALOG);
    const loaded = await loadCatalog(this.#pool, tenantId, version);
    if (!loaded) throw new Error(`catalog version ${version} is not stored`);
    return compileCatalog(version, loaded.appliedAt, loaded.data);
  }
}

/** Text of an internal alert whose type has no template. */
const INTERNAL_FALLBACK_TEMPLATE = compileFallbackTemplate();

function compileFallbackTemplate(): CompiledTemplate {
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
