import { chmodSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { ConfigError } from '../../errors.ts';

/** Most profiles of one user. */
const MAX_PROFILES = 100;

/** Longest key that is read (characters). */
const MAX_KEY_CHARS = 4096;

const NAME = /^[a-z0-9][a-z0-9_-]{0,62}$/;

const profileSchema = z.strictObject({
  url: z.string(),
  /** Name of the environment variable with the key; absent: `key_file` says whether it has one. */
  key_env: z.string().optional(),
  key_file: z.boolean().optional(),
  tenant: z.string().optional(),
});

const fileSchema = z.strictObject({ profiles: z.record(z.string(), profileSchema) });

/** Address of an installation, and the place of its key; never the key itself. */
export type Profile = z.infer<typeof profileSchema>;

type Environment = { readonly [name: string]: string | undefined };

/** The profiles of the user who runs the command: one file in the folder of their settings, and one file for each key. */
export class ProfileStore {
  readonly #folder: string;
  readonly #file: string;

  constructor(env: Environment) {
    const base = env.XDG_CONFIG_HOME || (process.platform === 'win32' && env.APPDATA) || join(homedir(), '.config');
    this.#folder = join(base, 'tidings');
    this.#file = join(this.#folder, 'profiles.json');
  }

  /** Returns the profiles by name, sorted. @throws ConfigError if the file is damaged */
  list(): ReadonlyMap<string, Profile> {
    const text = readIfExists(this.#file);
    if (text === undefined) return new Map();
    const parsed = fileSchema.safeParse(parseJson(text));
    if (!parsed.success)
      throw new ConfigError(`${this.#file} is damaged; correct it, or remove it and add the profiles again`);
    return new Map(Object.entries(parsed.data.profiles).sort(([a], [b]) => (a < b ? -1 : 1)));
  }

  /**
   * Adds a profile, or replaces the one of this name.
   *
   * @param key kept in a file that only its owner can read; undefined: none is kept
   * @throws ConfigError if the name is not valid, or there are too many
   */
  add(name: string, profile: Profile, key: string | undefined): void {
    if (!NAME.test(name)) {
      throw new ConfigError(`"${name}" cannot be the name of a profile; write up to 63 of a-z, 0-9, - and _`);
    }
    const profiles = new Map(this.list());
    if (!profiles.has(name) && profiles.size >= MAX_PROFILES) {
      throw new ConfigError(`there are ${MAX_PROFILES} profiles already; remove one first`);
    }
    // If this process is killed in between, the profile is gone: a key never goes to the address of an earlier one.
    if (profiles.delete(name)) this.#write(profiles);
    if (key === undefined) rmSync(this.#keyFile(name), { force: true });
    else {
      mkdirSync(join(this.#folder, 'keys'), { recursive: true, mode: 0o700 });
      replaceFile(this.#keyFile(name), key);
    }
    profiles.set(name, profile);
    this.#write(profiles);
  }

  /** Removes a profile with its key. @returns false: no profile has this name */
  remove(name: string): boolean {
    const profiles = new Map(this.list());
    if (!profiles.delete(name)) return false;
    this.#write(profiles);
    rmSync(this.#keyFile(name), { force: true });
    return true;
  }

  /** Returns the key of a profile; undefined: it has no key. @throws ConfigError if it cannot be read, or others can read it */
  readKey(name: string, profile: Profile, env: Environment): string | undefined {
    if (profile.key_env !== undefined) {
      const key = env[profile.key_env];
      if (key) return key;
      throw new ConfigError(`the profile ${name} takes its key from ${profile.key_env}, which is not set`);
    }
    if (!profile.key_file) return undefined;
    const file = this.#keyFile(name);
    const key = readIfExists(file);
    if (key === undefined) throw new ConfigError(`the key of the profile ${name} is missing; add the profile again`);
    if (process.platform !== 'win32' && (statSync(file).mode & 0o077) !== 0) {
      throw new ConfigError(`${file} can be read by other users of this machine; run: chmod 600 ${file}`);
    }
    return key;
  }

  #keyFile(name: string): string {
    return join(this.#folder, 'keys', name);
  }

  #write(profiles: ReadonlyMap<string, Profile>): void {
    mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
    replaceFile(this.#file, `${JSON.stringify({ profiles: Object.fromEntries(profiles) }, null, 2)}\n`);
  }
}

/** Returns the key in a text: its only line. @throws ConfigError if it is not one */
export function parseKey(text: string): string {
  const key = text.trim();
  if (key !== '' && key.length <= MAX_KEY_CHARS && !/[^\x21-\x7e]/.test(key)) return key;
  throw new ConfigError(
    'standard input holds no key; write it as one line, such as: tidings profiles add … --key-stdin < key.txt',
  );
}

/** Replaces a file as a whole, readable by its owner only: a reader finds the old or the new content. */
function replaceFile(file: string, content: string): void {
  const draft = `${file}.${process.pid}.new`;
  writeFileSync(draft, content, { mode: 0o600, flush: true });
  // The mode above does not count if the draft of an interrupted command exists.
  chmodSync(draft, 0o600);
  renameSync(draft, file);
}

function readIfExists(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new ConfigError(`${file} cannot be read (${(error as NodeJS.ErrnoException).code})`);
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
