import { readFileSync } from 'node:fs';
import { type Command, InvalidArgumentError } from 'commander';
import { confirm, YES_OPTION } from '../confirm.ts';
import { JSON_OPTION, runApiCommand } from '../run-command.ts';

interface Issuer {
  readonly issuer: string;
  readonly jwks_url: string | null;
  readonly audiences: readonly string[];
  readonly algorithms: readonly string[];
  readonly user_claim: string;
}

interface TrustOptions {
  readonly jwksUrl?: string;
  readonly publicKeys?: object;
  readonly audience: readonly string[];
  readonly algorithm?: readonly string[];
  readonly userClaim?: string;
  readonly json?: boolean;
}

const PATH = '/api/v1/issuers';

/** Adds the commands `issuers list|trust|delete`. */
export function addIssuersCommands(program: Command): void {
  const issuers = program
    .command('issuers')
    .description('Manage the issuers of tokens whose users a tenant trusts (TIDINGS_URL)');
  issuers
    .command('list')
    .description('List the issuers')
    .option(...JSON_OPTION)
    .action(({ json }: { json?: boolean }) =>
      runApiCommand(json, async (api) => {
        const data = (await api.get(PATH)) as { readonly issuers: readonly Issuer[] };
        const lines = data.issuers.map(formatIssuer);
        return { data, lines: lines.length > 0 ? lines : ['No issuer is trusted.'] };
      }),
    );
  issuers
    .command('trust')
    .description('Trust an issuer, or replace its settings')
    .argument('<issuer>', 'the claim iss of its tokens, such as https://id.example.com')
    .option('--jwks-url <url>', 'HTTPS URL of its JWK set')
    .option('--public-keys <file>', 'a file with its JWK set, for an issuer that publishes none', parseKeySet)
    .requiredOption('--audience <name...>', 'its tokens must be for one of these')
    .option('--algorithm <name...>', 'algorithms of its tokens (default: RS256, ES256 and EdDSA)')
    .option('--user-claim <claim>', 'the claim that holds the user id (default: sub)')
    .option(...JSON_OPTION)
    .action((issuer: string, options: TrustOptions) =>
      runApiCommand(options.json, async (api) => {
        const { jwksUrl, publicKeys, audience, algorithm, userClaim } = options;
        const body = {
          jwks_url: jwksUrl,
          public_keys: publicKeys,
          audiences: audience,
          algorithms: algorithm,
          user_claim: userClaim,
        };
        const data = (await api.put(toPath(issuer), body)) as Issuer;
        return { data, lines: [`Trusted: ${formatIssuer(data)}`] };
      }),
    );
  issuers
    .command('delete')
    .description('Trust an issuer no longer: its tokens are rejected at once')
    .argument('<issuer>', 'the claim iss; see `tidings issuers list`')
    .option(...YES_OPTION)
    .option(...JSON_OPTION)
    .action(async (issuer: string, { yes, json }: { yes?: boolean; json?: boolean }) => {
      await confirm(`Reject all tokens of ${issuer} from now on?`, yes);
      return runApiCommand(json, async (api) => {
        const data = (await api.delete(toPath(issuer))) as Issuer;
        return { data, lines: [`Deleted: ${formatIssuer(data)}`] };
      });
    });
}

function toPath(issuer: string): string {
  return `${PATH}/${encodeURIComponent(issuer)}`;
}

function formatIssuer({ issuer, jwks_url, audiences, algorithms, user_claim }: Issuer): string {
  const keys = jwks_url ?? 'static keys';
  return `${issuer}  ${keys}  for ${audiences.join(',')}  ${algorithms.join(',')}  user in ${user_claim}`;
}

function parseKeySet(path: string): object {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as object;
  } catch (error) {
    if (error instanceof SyntaxError) throw new InvalidArgumentError('The file is not JSON.');
    throw new InvalidArgumentError('The file cannot be read.');
  }
}
