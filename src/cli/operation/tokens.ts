import type { Command } from 'commander';
import { confirm, YES_OPTION } from '../confirm.ts';
import { JSON_OPTION, runApiCommand } from '../run-command.ts';

interface SigningKeys {
  readonly signing_keys: readonly {
    readonly key_id: string;
    readonly created_at: string;
    readonly retired_at: string | null;
  }[];
}

const PATH = '/api/v1/signing-keys';

/** Adds the commands `tokens create|keys|rotate`. */
export function addTokensCommands(program: Command): void {
  const tokens = program
    .command('tokens')
    .description('Create tokens of users, and manage the keys that sign them (TIDINGS_URL)');
  tokens
    .command('create')
    .description('Create a token with which a user reaches /api/v1/me, and print it')
    .argument('<user>', 'the user_id')
    .option('--lifetime <duration>', 'how long it works, from 1m to 24h', '15m')
    .option(...JSON_OPTION)
    .action((user: string, { lifetime, json }: { lifetime: string; json?: boolean }) =>
      runApiCommand(json, async (api) => {
        const path = `/api/v1/users/${encodeURIComponent(user)}/tokens`;
        const data = (await api.post(path, { lifetime })) as { readonly token: string; readonly expires_at: string };
        return { data, lines: [data.token], notes: [`It works until ${data.expires_at}.`] };
      }),
    );
  tokens
    .command('keys')
    .description('List the keys that sign tokens, the one that signs first')
    .option(...JSON_OPTION)
    .action(({ json }: { json?: boolean }) =>
      runApiCommand(json, async (api) => {
        const data = (await api.get(PATH)) as SigningKeys;
        const lines = data.signing_keys.map(
          ({ key_id, created_at, retired_at }) =>
            `${key_id}  since ${created_at}  ${retired_at === null ? 'signs' : `verifies only, since ${retired_at}`}`,
        );
        return { data, lines: lines.length > 0 ? lines : ['No token has been signed yet.'] };
      }),
    );
  tokens
    .command('rotate')
    .description('Sign with a new key; earlier tokens stay valid until they expire')
    .option('--revoke', 'earlier tokens are rejected at once')
    .option(...YES_OPTION)
    .option(...JSON_OPTION)
    .action(async ({ revoke = false, yes, json }: { revoke?: boolean; yes?: boolean; json?: boolean }) => {
      if (revoke) await confirm('Reject all tokens that were signed so far?', yes);
      return runApiCommand(json, async (api) => {
        const data = (await api.post(`${PATH}/rotate`, { revoke })) as { readonly key_id: string };
        return { data, lines: [`The key ${data.key_id} signs from now on.`] };
      });
    });
}
