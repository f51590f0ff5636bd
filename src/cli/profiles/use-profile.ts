import type { Command } from 'commander';
import { ConfigError } from '../../errors.ts';
import { findNearest } from '../../lib/text/did-you-mean.ts';
import { failUsage } from '../exit-codes.ts';
import { withTenant } from '../tenant-option.ts';
import { ProfileStore } from './profile-store.ts';

/** Commands that work on files or processes of this machine. Those on the database: see `runDatabaseCommand`. */
const LOCAL_COMMANDS: ReadonlySet<string> = new Set([
  'start',
  'api',
  'workers',
  'stop',
  'logs',
  'check',
  'test',
  'simulate',
  'init',
  'generate',
  'profiles',
]);

/** Name given by --profile, for the command that runs; undefined: none. */
let givenName: string | undefined;

/** Notes the profile that the options name. @throws CommanderError if the command calls no installation */
export function useProfile({ profile }: { readonly profile?: string }, action: Command): void {
  givenName = profile;
  if (profile === undefined) return;
  let top = action;
  while (top.parent?.parent) top = top.parent;
  if (LOCAL_COMMANDS.has(top.name())) rejectProfile(`tidings ${top.name()} works on this machine`);
}

/** @throws CommanderError if --profile is given to a command that works on the database itself */
export function rejectProfileOfDatabase(): void {
  if (givenName !== undefined) rejectProfile('this command works on the database of TIDINGS_DATA_DIR or DATABASE_URL');
}

function rejectProfile(why: string): never {
  failUsage(`${why}; --profile is for commands that call a running Tidings`);
}

/**
 * Returns the environment of a command that calls an installation: with the address and the key of the profile that --profile
 * names, or TIDINGS_PROFILE unless TIDINGS_URL is set. A profile replaces both, so that a key never goes to another address.
 *
 * @throws ConfigError if there is no such profile, or its key cannot be read
 */
export function withProfile(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const name = givenName ?? (env.TIDINGS_URL ? undefined : env.TIDINGS_PROFILE || undefined);
  if (name === undefined) return withTenant(env);
  const store = new ProfileStore(env);
  const profiles = store.list();
  const profile = profiles.get(name);
  if (!profile) {
    const nearest = findNearest(name, profiles.keys());
    const hint = nearest === undefined ? 'add it with tidings profiles add' : `did you mean ${nearest}?`;
    throw new ConfigError(`there is no profile ${name}; ${hint}`);
  }
  return withTenant({
    ...env,
    TIDINGS_URL: profile.url,
    TIDINGS_API_KEY: store.readKey(name, profile, env),
    TIDINGS_API_KEYS: undefined,
    TIDINGS_TENANT: profile.tenant,
  });
}
