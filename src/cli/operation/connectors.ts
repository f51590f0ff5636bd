import { type Command, Option } from 'commander';
import { ConfigError } from '../../errors.ts';
import { repeatAll } from '../../lib/repeat-all.ts';
import { CARD_CALLS, CONNECTOR_SECRETS, TASK_STATES } from '../../model/connector.ts';
import type { JsonObject } from '../../model/event.ts';
import { parseJsonObject, parseLimit } from '../parse-argument.ts';
import { addSecretOptions, readSecret } from '../read-secret.ts';
import { JSON_OPTION, runApiCommand, toPage } from '../run-command.ts';

interface ConnectorView {
  readonly name: string;
  readonly kind: string;
  readonly mode: string | null;
  readonly on: string | null;
  readonly url: string;
  readonly secrets_set: readonly string[];
  readonly open_tasks: number;
  readonly dead_tasks: number;
}

interface TaskView {
  readonly task_id: string;
  readonly connector: string;
  readonly user_id: string;
  readonly product_id: string | null;
  readonly state: string;
  readonly attempts: number;
  readonly code: string | null;
  readonly reason: string | null;
  readonly created_at: string;
}

interface ProductView {
  readonly product_id: string;
  readonly product: string;
  readonly status: string | null;
  readonly registration: string | null;
  readonly registration_code: string | null;
  readonly subscriber_reference_id: string | null;
}

interface SecretOptions {
  readonly secret?: string;
  readonly secretEnv?: string;
  readonly secretFile?: string;
  readonly json?: boolean;
}

interface TaskOptions {
  readonly state?: string;
  readonly user?: string;
  readonly connector?: string;
  readonly code?: string;
  readonly limit?: number;
  readonly after?: string;
  readonly json?: boolean;
}

/** Adds the commands `connectors list|set-secret|remove-secret|tasks|retry`. */
export function addConnectorsCommands(program: Command): void {
  const connectors = program
    .command('connectors')
    .description('Connections to other services, of connectors.yaml of a running Tidings (TIDINGS_URL)');
  connectors
    .command('list')
    .description('List the connectors of the active catalog, and which of their secrets are set')
    .option(...JSON_OPTION)
    .action(({ json }: { json?: boolean }) =>
      runApiCommand(json, async (api) => {
        const data = (await api.get('/api/v1/connectors')) as { readonly connectors: readonly ConnectorView[] };
        const lines = data.connectors.map(formatConnector);
        return { data, lines: lines.length > 0 ? lines : ['The active catalog has no connectors.'] };
      }),
    );
  addSecretOptions(
    connectors
      .command('set-secret')
      .description('Set a secret of a connector, in place of the one before; it is never shown')
      .argument('<connector>', 'its name in connectors.yaml')
      .argument('<name>', `one of ${CONNECTOR_SECRETS.join(', ')}`),
    'secret',
    'the secret; a certificate as PEM',
  )
    .option(...JSON_OPTION)
    .action((connector: string, name: string, { secret, secretEnv, secretFile, json }: SecretOptions) => {
      const value = readSecret('secret', { value: secret, variable: secretEnv, file: secretFile });
      return runApiCommand(json, async (api) => {
        const data = (await api.put(toSecretsPath(connector), { [name]: value })) as ConnectorView;
        return { data, lines: [`Set: ${formatConnector(data)}`] };
      });
    });
  connectors
    .command('remove-secret')
    .description('Remove a secret of a connector')
    .argument('<connector>', 'its name in connectors.yaml')
    .argument('<name>', `one of ${CONNECTOR_SECRETS.join(', ')}`)
    .option(...JSON_OPTION)
    .action((connector: string, name: string, { json }: { json?: boolean }) =>
      runApiCommand(json, async (api) => {
        const data = (await api.put(toSecretsPath(connector), { [name]: null })) as ConnectorView;
        return { data, lines: [`Removed: ${formatConnector(data)}`] };
      }),
    );
  connectors
    .command('tasks')
    .description('List what connectors have to do and did, newest first; those in state dead are dead letters')
    .addOption(new Option('--state <state>', 'only those in this state').choices(TASK_STATES))
    .option('--user <user-id>', 'only those of this user')
    .option('--connector <name>', 'only those of this connector')
    .option('--code <code>', 'only those whose last attempt failed for this reason')
    .option('--limit <count>', 'tasks to list, at most', parseLimit)
    .option('--after <cursor>', 'where the previous page ended')
    .option(...JSON_OPTION)
    .action(({ state, user, connector, code, limit, after, json }: TaskOptions) =>
      runApiCommand(json, async (api) => {
        const given = Object.entries({ state, user_id: user, connector, code, limit: limit && String(limit), after });
        const query = new URLSearchParams(given.filter((one): one is [string, string] => typeof one[1] === 'string'));
        const data = (await api.get(`/api/v1/connector-tasks?${query}`)) as {
          readonly tasks: readonly TaskView[];
          readonly next: string | null;
        };
        return toPage(data, data.tasks.map(formatTask), 'There are no such tasks.');
      }),
    );
  connectors
    .command('retry')
    .description('Run a task again that ended as a dead letter, or all that did')
    .argument('[task-id]', 'see `tidings connectors tasks --state dead`')
    .option('--all', 'every dead letter, in the place of one')
    .option('--connector <name>', 'with --all: only those of this connector')
    .option('--code <code>', 'with --all: only those whose last attempt failed for this reason')
    .option(...JSON_OPTION)
    .action((taskId: string | undefined, { all = false, connector, code, json }: RetryOptions) => {
      if (all === (taskId !== undefined)) throw new ConfigError('write the id of a task, or --all');
      return runApiCommand(json, async (api) => {
        if (taskId === undefined) {
          const retried = await repeatAll(async (until) => {
            const body = { connector, code, ended_until: until };
            const part = (await api.post('/api/v1/connector-tasks/retry', body)) as TasksRetried;
            return { ...part, count: part.retried, until: part.ended_until };
          });
          return { data: { retried }, lines: [`${retried} ${retried === 1 ? 'task is' : 'tasks are'} run again.`] };
        }
        const data = (await api.post(`/api/v1/connector-tasks/${encodeURIComponent(taskId)}/retry`, {})) as TaskView;
        return { data, lines: [`Retried: ${formatTask(data)}`] };
      });
    });
}

interface TasksRetried {
  readonly retried: number;
  readonly has_more: boolean;
  readonly ended_until: string;
}

interface RetryOptions {
  readonly all?: boolean;
  readonly connector?: string;
  readonly code?: string;
  readonly json?: boolean;
}

interface CardOptions {
  readonly user: string;
  readonly product?: string[];
  readonly connector?: string;
  readonly body?: JsonObject;
  readonly json?: boolean;
}

/** Adds the commands `cards list|register|call`. */
export function addCardsCommands(program: Command): void {
  const cards = program
    .command('cards')
    .description('Products of users, and their registration with a card network (TIDINGS_URL)');
  const user = ['--user <user-id>', 'your id of the user'] as const;
  const connector = ['--connector <name>', 'the card registration, if the catalog has several'] as const;
  cards
    .command('list')
    .description('List the products of a user, and what the card network said of each')
    .requiredOption(...user)
    .option(...JSON_OPTION)
    .action(({ user: userId, json }: CardOptions) =>
      runApiCommand(json, async (api) => {
        const data = (await api.get(toProductsPath(userId))) as { readonly products: readonly ProductView[] };
        const lines = data.products.map(formatProduct);
        return { data, lines: lines.length > 0 ? lines : ['This user has no products.'] };
      }),
    );
  cards
    .command('register')
    .description('Have products of a user registered with the card network')
    .requiredOption(...user)
    .option('--product <product-id...>', 'only these (default: those that the connector is for)')
    .option(...connector)
    .option(...JSON_OPTION)
    .action(({ user: userId, product, connector: name, json }: CardOptions) =>
      runApiCommand(json, async (api) => {
        const body = { connector: name, product_ids: product };
        const data = (await api.post(`${toProductsPath(userId)}/register`, body)) as {
          readonly tasks: readonly TaskView[];
        };
        return { data, lines: data.tasks.map(formatTask) };
      }),
    );
  cards
    .command('call')
    .description('Call the card network about a product that is registered')
    .argument('<call>', CARD_CALLS.join(' or '))
    .argument('<product-id>', 'of the user')
    .requiredOption(...user)
    .option('--body <json>', 'further members of the body of the call', parseJsonObject)
    .option(...connector)
    .option(...JSON_OPTION)
    .action((call: string, productId: string, { user: userId, body, connector: name, json }: CardOptions) =>
      runApiCommand(json, async (api) => {
        const path = `${toProductsPath(userId)}/${encodeURIComponent(productId)}/calls/${encodeURIComponent(call)}`;
        const data = (await api.post(path, { connector: name, body })) as {
          readonly outcome: string;
          readonly answer: JsonObject | null;
          readonly reason: string | null;
        };
        const lines = data.answer ? JSON.stringify(data.answer, null, 2).split('\n') : [`Failed: ${data.reason}`];
        return { data, lines };
      }),
    );
}

function toSecretsPath(connector: string): string {
  return `/api/v1/connectors/${encodeURIComponent(connector)}/secrets`;
}

function toProductsPath(userId: string): string {
  return `/api/v1/users/${encodeURIComponent(userId)}/products`;
}

function formatConnector({ name, kind, mode, on, url, secrets_set, open_tasks, dead_tasks }: ConnectorView): string {
  const secrets = secrets_set.length > 0 ? `secrets ${secrets_set.join(',')}` : 'no secrets';
  return `${name}  ${kind} ${mode ?? `on ${on}`}  ${url}  ${secrets}  ${open_tasks} open  ${dead_tasks} dead`;
}

function formatTask(task: TaskView): string {
  const product = task.product_id === null ? '' : `  ${task.product_id}`;
  const failed = task.attempts === 0 ? 'waits' : `${task.attempts} failed`;
  const failure = task.code === null ? '' : `  ${failed}: ${task.code}, ${task.reason}`;
  return `${task.created_at}  ${task.task_id}  ${task.connector}  ${task.user_id}${product}  ${task.state}${failure}`;
}

function formatProduct(product: ProductView): string {
  const { product_id, product: kind, status, registration, registration_code, subscriber_reference_id } = product;
  const network = registration === null ? 'not registered' : `${registration} ${registration_code}`;
  return `${product_id}  ${kind}  ${status ?? '-'}  ${network}  ${subscriber_reference_id ?? ''}`.trimEnd();
}
