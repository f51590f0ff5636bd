import type pg from 'pg';
import { EMPTY_CATALOG } from '../model/catalog.ts';
import { CHANNEL_DESCRIPTORS } from '../model/channels/channels.ts';
import type { Channel } from '../model/delivery.ts';
import { toDigestTemplate } from '../model/frequency.ts';
import { isTestTenant } from '../model/principal.ts';
import type { ActiveVersion } from '../model/release.ts';
import type { LocaleFallbacks } from '../model/tenant.ts';
import { listAccounts } from '../store/accounts.ts';
import { loadActiveVersion, loadCatalog, loadCatalogHead } from '../store/catalogs.ts';
import { chooseVersion } from '../store/releases/active-version.ts';
import { type CompiledTemplate, compileTemplate } from '../templates/template.ts';
import { findBuiltInTemplate } from './compile/built-in-templates.ts';
import { type Catalog, compileCatalog } from './compile/compile-catalog.ts';
import { DEFAULT_LOCALE } from './locale.ts';

/** Compiled contents in memory, of all tenants; one takes up to some megabytes. */
const MAX_COMPILED_VERSIONS = 64;

/** Size of these contents as JSON, in characters; compiled, they take a small multiple of it. */
const MAX_COMPILED_CHARS = 64 * 1024 * 1024;

/** Versions in memory that have one of these contents; besides the content, one takes less than 1 KB. */
const MAX_KNOWN_VERSIONS = 10_000;

export interface CatalogCacheOptions {
  readonly maxVersions?: number;
  readonly maxChars?: number;
  /** Channels whose messages leave this machine, of an installation without a URL for the links of their readers. Absent: it has one. */
  readonly unlinked?: ReadonlySet<Channel>;
}

/** A compiled content, and the versions in memory that have it. */
interface Content {
  readonly compiled: Promise<Catalog>;
  /** The tenant that asked for it first. */
  readonly tenantId: string;
  readonly keys: Set<string>;
  /** Size as JSON, in characters; 0 until it is loaded. */
  chars: number;
}

/** The catalogs that decide about the users of a tenant. */
export interface ActiveCatalogs {
  readonly active: ActiveVersion;
  /** Decides about all users, or about those that a release leaves out, and says what is not of a user. */
  readonly base: Catalog;
  /** The one that is released; undefined: no release is under way. */
  readonly released: Catalog | undefined;
}

interface KnownVersion {
  readonly catalog: Promise<Catalog>;
  /** Undefined until it is loaded. */
  hash: string | undefined;
}

/**
 * Compiled catalog versions of all tenants, kept in memory: the contents that were used last. Versions with the same content, also of
 * several tenants, share what was compiled. A version never changes, so it is loaded and compiled again only after it was evicted.
 * Beyond the maximum, of the tenant with the most contents, the one that it used least recently is evicted: a tenant with many versions
 * evicts its own.
 */
export class CatalogCache {
  readonly #pool: pg.Pool;
  readonly #versions = new Map<string, KnownVersion>();
  /** By hash; the last one was used last. */
  readonly #contents = new Map<string, Content>();
  readonly #active = new Map<string, ActiveVersion>();
  readonly #maxContents: number;
  readonly #maxChars: number;
  #chars = 0;
  #compilations = 0;

  readonly #unlinked: ReadonlySet<Channel> | undefined;

  constructor(
    pool: pg.Pool,
    { maxVersions = MAX_COMPILED_VERSIONS, maxChars = MAX_COMPILED_CHARS, unlinked }: CatalogCacheOptions = {},
  ) {
    this.#pool = pool;
    this.#unlinked = unlinked;
    this.#maxContents = maxVersions;
    this.#maxChars = maxChars;
  }

  /** Whether emails of a tenant leave this machine without a link by which their readers could unsubscribe: there is no URL for it. */
  async isUnlinked(tenantId: string): Promise<boolean> {
    if (this.#unlinked === undefined || isTestTenant(tenantId)) return false;
    if (this.#unlinked.has('email')) return true;
    const accounts = await listAccounts(this.#pool, tenantId);
    return accounts.some(({ enabled, channels }) => enabled && channels.includes('email'));
  }

  /** Number of versions in memory. */
  get size(): number {
    return this.#versions.size;
  }

  /** Number of contents that were compiled since the start. */
  get compilations(): number {
    return this.#compilations;
  }

  /**
   * Returns the version that was active when this process last looked; during a release, the one before. A batch compares it with
   * the database inside its own transaction.
   */
  async getActive(tenantId: string): Promise<Catalog> {
    const active = this.#active.get(tenantId);
    return active === undefined ? this.refresh(tenantId) : this.getVersion(tenantId, active.version);
  }

  /** Returns the version that decided about a user when this process last looked: during a release, the one for that user. */
  async getActiveOf(tenantId: string, userId: string): Promise<Catalog> {
    const active = this.#active.get(tenantId) ?? (await this.#reload(tenantId));
    return this.getVersion(tenantId, chooseVersion(active, userId));
  }

  /** Returns the versions that were active when this process last looked. */
  async getActives(tenantId: string): Promise<ActiveCatalogs> {
    return this.#toActives(tenantId, this.#active.get(tenantId) ?? (await this.#reload(tenantId)));
  }

  /** Reads the active version from the database, remembers it and returns it; during a release, the one before. */
  async refresh(tenantId: string): Promise<Catalog> {
    return this.getVersion(tenantId, (await this.#reload(tenantId)).version);
  }

  /** Reads the active versions from the database, remembers them and returns them. */
  async refreshActives(tenantId: string): Promise<ActiveCatalogs> {
    return this.#toActives(tenantId, await this.#reload(tenantId));
  }

  /** Remembers which versions are active, without asking the database: the caller has just read them there. */
  async setActive(tenantId: string, active: ActiveVersion): Promise<ActiveCatalogs> {
    this.#active.set(tenantId, active);
    return this.#toActives(tenantId, active);
  }

  async #reload(tenantId: string): Promise<ActiveVersion> {
    const active = await loadActiveVersion(this.#pool, tenantId);
    this.#active.set(tenantId, active);
    return active;
  }

  async #toActives(tenantId: string, active: ActiveVersion): Promise<ActiveCatalogs> {
    const base = await this.getVersion(tenantId, active.version);
    const released = active.release === null ? undefined : await this.getVersion(tenantId, active.release.version);
    return { active, base, released };
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
      moveToEnd(this.#versions, key, known);
      const content = known.hash === undefined ? undefined : this.#contents.get(known.hash);
      if (content) moveToEnd(this.#contents, known.hash as string, content);
      return known.catalog;
    }
    const added: KnownVersion = { catalog: this.#load(tenantId, version, key), hash: undefined };
    this.#versions.set(key, added);
    added.catalog.catch(() => this.#versions.get(key) === added && this.#versions.delete(key));
    for (const [oldest, { hash }] of this.#versions) {
      if (this.#versions.size <= MAX_KNOWN_VERSIONS) break;
      this.#versions.delete(oldest);
      if (hash !== undefined) this.#contents.get(hash)?.keys.delete(oldest);
    }
    return added.catalog;
  }

  /**
   * Returns the template to render a notification with: that of the active catalog, so that a fixed template reaches
   * notifications that are already waiting. If the active catalog has no template for the type and channel, returns that of the
   * catalog version that decided, or else the built-in one of a type that Tidings itself sends. Returns undefined if neither
   * has one, and then the message must not be sent; only channels with a template of their own fall back to that.
   */
  async loadTemplate(notification: {
    readonly tenantId: string;
    readonly notificationType: string;
    readonly channel: Channel;
    readonly locale: string;
    readonly fallbacks?: LocaleFallbacks | undefined;
    /** A user who takes part in tests of variants; absent: the message is shown in no test. */
    readonly userId?: string;
    readonly catalogVersion: number;
    readonly activeCatalog: number;
    /** Whether the message is a digest that its user asked for: a template for digests comes first. */
    readonly isDigest?: boolean;
  }): Promise<CompiledTemplate | undefined> {
    const { tenantId, notificationType, channel, locale, fallbacks, userId, catalogVersion, activeCatalog } =
      notification;
    const names = notification.isDigest ? [toDigestTemplate(notificationType), notificationType] : [notificationType];
    for (const version of new Set([activeCatalog, catalogVersion])) {
      const catalog = await this.getVersion(tenantId, version);
      for (const name of names) {
        const template = catalog.findTemplate(name, channel, locale, fallbacks, userId);
        if (template) return template;
      }
    }
    return findBuiltInTemplate(notificationType, channel, locale, fallbacks) ?? FALLBACK_TEMPLATES.get(channel);
  }

  async #load(tenantId: string, version: number, key: string): Promise<Catalog> {
    if (version === 0) return EMPTY;
    const head = await loadCatalogHead(this.#pool, tenantId, version);
    if (!head) throw new Error(`catalog version ${version} is not stored`);
    const { hash, appliedAt } = head;
    const content = this.#contents.get(hash) ?? this.#addContent(tenantId, version, hash);
    moveToEnd(this.#contents, hash, content);
    content.keys.add(key);
    const known = this.#versions.get(key);
    if (known) known.hash = hash;
    const compiled = await content.compiled;
    return { ...compiled, version, appliedAt, rules: { ...compiled.rules, version } };
  }

  #addContent(tenantId: string, version: number, hash: string): Content {
    const compile = async () => {
      const loaded = await loadCatalog(this.#pool, tenantId, version);
      if (!loaded) throw new Error(`catalog version ${version} is not stored`);
      this.#compilations++;
      const compiled = compileCatalog(version, loaded.appliedAt, loaded.data);
      if (this.#contents.get(hash) === content) {
        content.chars = loaded.chars;
        this.#chars += loaded.chars;
        this.#evict(hash);
      }
      return compiled;
    };
    const content: Content = { compiled: compile(), tenantId, keys: new Set(), chars: 0 };
    this.#contents.set(hash, content);
    content.compiled.catch(() => this.#contents.get(hash) === content && this.#contents.delete(hash));
    this.#evict(hash);
    return content;
  }

  /** Evicts contents beyond the maximum, never this one. */
  #evict(newest: string): void {
    while (this.#contents.size > 1 && (this.#contents.size > this.#maxContents || this.#chars > this.#maxChars)) {
      const counts = new Map<string, number>();
      for (const { tenantId } of this.#contents.values()) counts.set(tenantId, (counts.get(tenantId) ?? 0) + 1);
      let evicted: [string, Content] | undefined;
      for (const entry of this.#contents) {
        if (entry[0] === newest) continue;
        const count = counts.get(entry[1].tenantId) ?? 0;
        if (!evicted || count > (counts.get(evicted[1].tenantId) ?? 0)) evicted = entry;
      }
      if (!evicted) return;
      const [hash, { keys, chars }] = evicted;
      this.#contents.delete(hash);
      this.#chars -= chars;
      for (const key of keys) this.#versions.delete(key);
    }
  }
}

const EMPTY = compileCatalog(0, 0, EMPTY_CATALOG);

/** Makes an entry the last one in the order of its map, which is the one that was used last. */
function moveToEnd<V>(map: Map<string, V>, key: string, value: V): void {
  map.delete(key);
  map.set(key, value);
}

/** Templates of types that have no template, by channel. */
const FALLBACK_TEMPLATES = compileFallbackTemplates();

function compileFallbackTemplates(): ReadonlyMap<Channel, CompiledTemplate> {
  const compiled = new Map<Channel, CompiledTemplate>();
  for (const { name: channel, fallback: parts } of Object.values(CHANNEL_DESCRIPTORS)) {
    if (!parts) continue;
    const result = compileTemplate({ notificationType: '', channel, locale: DEFAULT_LOCALE, parts });
    if ('problems' in result) throw new Error(result.problems[0]?.message);
    compiled.set(channel, result.template);
  }
  return compiled;
}
