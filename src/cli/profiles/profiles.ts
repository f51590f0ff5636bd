import { text } from 'node:stream/consumers';
import type { Command } from 'commander';
import { ConfigError } from '../../errors.ts';
import { confirm, YES_OPTION } from '../confirm.ts';
import { failUsage } from '../exit-codes.ts';
import { connect } from '../operation/api-client.ts';
import { runLocalCommand } from '../run-command.ts';
import { type Profile, ProfileStore, parseKey } from './profile-store.ts';

interface AddOptions {
  readonly url: string;
  readonly keyEnv?: string;
  readonly keyStdin?: boolean;
  readonly tenant?: string;
  readonly json?: boolean;
}

/** Adds the commands `profiles add|list|remove`. */
export function addProfilesCommands(program: Command): void {
  const profiles = program.command('profiles').description('Keep addresses and keys of installations, for --profile');
  profiles
    .command('add')
    .description('Add or replace a profile. Its key comes from standard input or the environment, never from an option')
    .argument('<name>', 'such as production')
    .requiredOption('--url <url>', 'the address of Tidings, such as https://tidings.example.com')
    .option('--key-env <variable>', 'read the key from this environment variable at each use')
    .option('--key-stdin', 'read the key from standard input now, and keep it in a file that only you can read')
    .option('--tenant <id>', 'the tenant to work on, if the key may work on several')
    .option('--json', 'print one line of JSON')
    .action((name: string, options: AddOptions) => runLocalCommand(options.json, () => add(name, options)));
  profiles
    .command('list')
    .description('List the profiles, without their keys')
    .option('--json', 'print one line of JSON')
    .action(({ json }: { json?: boolean }) =>
      runLocalCommand(json, async () => {
        const entries = [...new ProfileStore(process.env).list()].map(([name, profile]) => toView(name, profile));
        const lines = entries.map(
          ({ name, url, key, tenant }) => `${name}  ${url}  ${key}${tenant ? `  tenant ${tenant}` : ''}`,
        );
        return { data: { profiles: entries }, lines: lines.length > 0 ? lines : ['No profile has been added.'] };
      }),
    );
  profiles
    .command('remove')
    .description('Remove a profile and its key')
    .argument('<name>', 'its name; see `tidings profiles list`')
    .option(...YES_OPTION)
    .option('--json', 'print one line of JSON')
    .action((name: string, { json, yes }: { json?: boolean; yes?: boolean }) =>
      runLocalCommand(json, async () => {
        await confirm(`Remove the profile ${name} and its key?`, yes);
        if (!new ProfileStore(process.env).remove(name)) {
          throw new ConfigError(`there is no profile ${name}; see tidings profiles list`);
        }
        return { data: { removed: name }, lines: [`The profile ${name} is removed.`] };
      }),
    );
}

async function add(name: string, { url, keyEnv, keyStdin, tenant }: AddOptions) {
  if (keyEnv !== undefined && keyStdin) failUsage('--key-env and --key-stdin exclude each other');
  if (keyEnv !== undefined && !/^[A-Za-z_]\w{0,99}$/.test(keyEnv)) {
    failUsage(
      '--key-env is the name of an environment variable, such as TIDINGS_PROD_KEY; the key itself is never an option',
    );
  }
  // Throws for an address that no command could use.
  connect({ TIDINGS_URL: url });
  const key = keyStdin ? parseKey(await text(process.stdin)) : undefined;
  const profile: Profile = {
    url,
    ...(keyEnv !== undefined && { key_env: keyEnv }),
    ...(key !== undefined && { key_file: true }),
    ...(tenant !== undefined && { tenant }),
  };
  new ProfileStore(process.env).add(name, profile, key);
  return {
    data: toView(name, profile),
    lines: [`The profile ${name} is added. Try it: tidings queue --profile ${name}`],
  };
}

function toView(name: string, { url, key_env, key_file, tenant }: Profile) {
  const key = key_env !== undefined ? `key from ${key_env}` : key_file ? 'key in a file' : 'no key';
  return { name, url, key, tenant: tenant ?? null };
}
