import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Config, readConfig } from '../src/config.ts';
import type { Millis } from '../src/model/event.ts';
import { makeProviderKeys, type ProviderKeys, providerSettings } from './providers/keys.ts';
import type { Summary } from './summary.ts';

/** Everything that a demo knows of itself, in its folder. */
export interface DemoState {
  readonly seed: number;
  readonly weeks: number;
  /** Key of the installation. */
  readonly apiKey: string;
  readonly keys: ProviderKeys;
  /** Numbers of each company, by the id of its tenant. */
  readonly summary: { readonly [tenant: string]: Summary };
  /** The end of what was seeded; null: the seed did not come to its end. */
  readonly seededUntil: Millis | null;
}

/** Folders and files of a demo. */
export interface Places {
  readonly folder: string;
  /** Data of Tidings. */
  readonly data: string;
  /** The catalog of the tenant `default`. */
  readonly catalog: string;
  readonly state: string;
}

export function toPlaces(folder: string): Places {
  return {
    folder,
    data: join(folder, 'data'),
    catalog: join(folder, 'catalog'),
    state: join(folder, 'demo.json'),
  };
}

/** Returns what an earlier start left; undefined: nothing that can go on. */
export function readState({ state }: Places): DemoState | undefined {
  if (!existsSync(state)) return undefined;
  const read = JSON.parse(readFileSync(state, 'utf8')) as DemoState;
  return read.seededUntil === null ? undefined : read;
}

/** Begins a demo in an empty folder, which it makes. */
export function beginState(places: Places, { seed, weeks }: Pick<DemoState, 'seed' | 'weeks'>): DemoState {
  rmSync(places.folder, { recursive: true, force: true });
  mkdirSync(places.data, { recursive: true, mode: 0o700 });
  const apiKey = randomBytes(24).toString('base64url');
  const state: DemoState = { seed, weeks, apiKey, keys: makeProviderKeys(), summary: {}, seededUntil: null };
  writeState(places, state);
  return state;
}

export function writeState(places: Places, state: DemoState): void {
  writeFileSync(places.state, `${JSON.stringify(state, null, 2)}\n`, { mode: 0o600 });
}

/** Returns the configuration of Tidings in a demo. Variables of its user's own installation play no part. */
export function toConfig(places: Places, { apiKey, keys }: Pick<DemoState, 'apiKey' | 'keys'>, port: number): Config {
  const environment = {
    PORT: String(port),
    TIDINGS_DATA_DIR: places.data,
    TIDINGS_CATALOG: places.catalog,
    TIDINGS_API_KEYS: apiKey,
    TIDINGS_PUBLIC_URL: toPublicUrl(port),
    TIDINGS_LOG_LEVEL: process.env.TIDINGS_LOG_LEVEL || 'error',
    // Nothing of the weeks that were seeded is old enough to go.
    TIDINGS_RETENTION_AT: 'never',
    ...providerSettings(keys),
  };
  return readConfig(environment, { catalogDir: places.catalog });
}

export function toPublicUrl(port: number): string {
  return `http://localhost:${port}`;
}
