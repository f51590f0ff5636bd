import { type Command, Option } from 'commander';
import { WEBHOOK_FORMATS } from '../../model/delivery.ts';
import type { JobView } from '../../store/jobs/jobs.ts';
import { confirm, YES_OPTION } from '../confirm.ts';
import { parseLimit } from '../parse-argument.ts';
import { type CommandOutput, runApiCommand } from '../run-command.ts';
import { formatHold } from './format-hold.ts';
import { formatJobEnd } from './run-job.ts';

/** An endpoint as the API shows it. */
interface EndpointView {
  readonly endpoint_id: string;
  readonly url: string;
  readonly description: string;
  readonly event_types: readonly string[] | null;
  readonly notification_types: readonly string[] | null;
  readonly state: string;
  readonly state_code: string | null;
  readonly failures: number;
  readonly failing_since: string | null;
}

interface DeliveryOfEndpoint {
  readonly delivery_id: string;
  readonly notification_type: string;
  readonly status: string;
  readonly hold_code: string | null;
  readonly due_at: string | null;
  readonly created_at: string;
  readonly attempts: readonly {
    readonly attempt: number;
    readonly started_at: string;
    readonly outcome: string;
    readonly response: string | null;
    readonly reason: string | null;
  }[];
}

interface NewEndpointOptions {
  types?: string;
  events?: string;
  channels?: string;
  description?: string;
  ordered?: boolean;
  json?: boolean;
}

/** Adds the commands `webhooks …`. */
export function addWebhooksCommands(program: Command): void {
  const webhooks = program
    .command('webhooks')
    .description('Manage the endpoints of webhooks of a running Tidings (TIDINGS_URL)');
  webhooks
    .command('list')
    .description('List the endpoints, newest first')
    .option('--limit <n>', 'the most to list, up to 200', parseLimit, 50)
    .option('--json', 'print one line of JSON')
    .action((options: { limit: number; json?: boolean }) =>
      runApiCommand(options.json, async (api) => {
        const data = (await api.get(`/api/v1/webhooks?limit=${options.limit}`)) as {
          readonly webhooks: readonly EndpointView[];
          readonly next: string | null;
        };
        const lines = data.webhooks.map(formatEndpoint);
        if (data.next !== null) lines.push('… and more; see --limit');
        return { data, lines: lines.length > 0 ? lines : ['There are no webhook endpoints.'] };
      }),
    );
  webhooks
    .command('create')
    .description('Create an endpoint, and print its secret this once')
    .argument('<url>', 'an https:// URL with a public host name')
    .option('--types <types>', 'notification types, separated by commas (default: all)')
    .option('--events <types>', 'receive facts of these types instead of messages: order.created, order.* or *')
    .option('--channels <channels>', 'only facts about these channels, separated by commas')
    .option('--description <text>', 'for your records')
    .option('--ordered', 'one message at a time, the oldest first')
    .option('--json', 'print one line of JSON')
    .action((url: string, options: NewEndpointOptions) =>
      runApiCommand(options.json, async (api) => {
        const body = {
          url,
          ...(options.types === undefined ? {} : { notification_types: splitWords(options.types) }),
          ...(options.events === undefined ? {} : { event_types: splitWords(options.events) }),
          ...(options.channels === undefined ? {} : { channels: splitWords(options.channels) }),
          ...(options.description === undefined ? {} : { description: options.description }),
          ...(options.ordered ? { ordered: true } : {}),
        };
        return showSecret((await api.post('/api/v1/webhooks', body)) as EndpointView & { readonly secret: string });
      }),
    );
  webhooks
    .command('portal-link')
    .description('Make a link that opens the page of the endpoints once, for those who may do nothing else')
    .option('--name <name>', 'of who gets it, for the audit log')
    .option('--json', 'print one line of JSON')
    .action(({ name, json }: { name?: string; json?: boolean }) =>
      runApiCommand(json, async (api) => {
        const body = name === undefined ? {} : { name };
        const data = (await api.post('/api/v1/webhooks/portal-links', body)) as {
          readonly url: string;
          readonly expires_at: string;
        };
        return { data, lines: [data.url, `It works once, until ${data.expires_at}.`] };
      }),
    );
  webhooks
    .command('show')
    .description('Show an endpoint, without its secrets')
    .argument('<id>', 'the id of the endpoint; see `tidings webhooks list`')
    .option('--json', 'print one line of JSON')
    .action((id: string, options: { json?: boolean }) =>
      runApiCommand(options.json, async (api) => {
        const data = (await api.get(pathOf(id))) as EndpointView;
        return { data, lines: [formatEndpoint(data)] };
      }),
    );
  const update = webhooks
    .command('update')
    .description('Change an endpoint; what is not named stays')
    .argument('<id>', 'the id of the endpoint; see `tidings webhooks list`')
    .option('--url <url>', 'an https:// URL with a public host name')
    .option('--types <types>', 'notification types, separated by commas; `all`: of every type')
    .option('--description <text>', 'for your records')
    .addOption(new Option('--format <format>', 'of the body').choices(WEBHOOK_FORMATS))
    .option('--ordered', 'one message at a time, the oldest first')
    .option('--no-ordered', 'as many at a time as it takes')
    .option('--json', 'print one line of JSON');
  update.action((id: string, { json, types, ...options }: UpdateOptions) => {
    const body = {
      ...options,
      ...(types === undefined ? {} : { notification_types: types === 'all' ? null : splitWords(types) }),
    };
    if (Object.keys(body).length === 0) update.error('error: name what to change, by an option such as --url');
    return runApiCommand(json, async (api) => {
      const data = (await api.patch(pathOf(id), body)) as EndpointView;
      return { data, lines: [formatEndpoint(data)] };
    });
  });
  webhooks
    .command('rotate-secret')
    .description('Sign with a new secret, and print it this once')
    .argument('<id>', 'the id of the endpoint; see `tidings webhooks list`')
    .option('--overlap <duration>', 'for how long the secret before signs as well, at most 7d', '24h')
    .option('--json', 'print one line of JSON')
    .action((id: string, options: { overlap: string; json?: boolean }) =>
      runApiCommand(options.json, async (api) => {
        const body = { overlap: options.overlap };
        const rotated = await api.post(`${pathOf(id)}/rotate-secret`, body);
        return showSecret(rotated as EndpointView & { readonly secret: string });
      }),
    );
  for (const [name, state, description] of STATES) {
    webhooks
      .command(name)
      .description(description)
      .argument('<id>', 'the id of the endpoint; see `tidings webhooks list`')
      .option('--json', 'print one line of JSON')
      .action((id: string, options: { json?: boolean }) =>
        runApiCommand(options.json, async (api) => {
          const data = (await api.patch(pathOf(id), { state })) as EndpointView;
          return { data, lines: [formatEndpoint(data)] };
        }),
      );
  }
  webhooks
    .command('delete')
    .description('Delete an endpoint; what waits for it is not sent')
    .argument('<id>', 'the id of the endpoint; see `tidings webhooks list`')
    .option(...YES_OPTION)
    .option('--json', 'print one line of JSON')
    .action(async (id: string, options: { yes?: boolean; json?: boolean }) => {
      await confirm(`Nothing more will be sent to the endpoint ${id}.`, options.yes);
      return runApiCommand(options.json, async (api) => {
        const data = (await api.delete(pathOf(id))) as EndpointView;
        return { data, lines: [`The endpoint ${data.endpoint_id} (${data.url}) is deleted.`] };
      });
    });
  webhooks
    .command('test')
    .description('Send a message of the type webhook.test now, and show what the endpoint answered')
    .argument('<id>', 'the id of the endpoint; see `tidings webhooks list`')
    .option('--json', 'print one line of JSON')
    .action((id: string, options: { json?: boolean }) =>
      runApiCommand(options.json, async (api) => {
        const data = (await api.post(`${pathOf(id)}/test`)) as {
          readonly outcome: string;
          readonly response: string | null;
          readonly reason: string | null;
          readonly duration_ms: number;
        };
        const facts = [data.outcome, `${data.duration_ms} ms`, data.reason, data.response];
        return { data, lines: [facts.filter((fact) => fact !== null).join('  ')] };
      }),
    );
  webhooks
    .command('attempts')
    .description('List the messages to an endpoint with each attempt, newest first')
    .argument('<id>', 'the id of the endpoint; see `tidings webhooks list`')
    .option('--limit <n>', 'the most messages to list, up to 200', parseLimit, 20)
    .option('--json', 'print one line of JSON')
    .action((id: string, options: { limit: number; json?: boolean }) =>
      runApiCommand(options.json, async (api) => {
        const data = (await api.get(`${pathOf(id)}/deliveries?limit=${options.limit}`)) as {
          readonly deliveries: readonly DeliveryOfEndpoint[];
        };
        const lines = data.deliveries.flatMap(formatDelivery);
        return { data, lines: lines.length > 0 ? lines : ['Nothing was sent to this endpoint.'] };
      }),
    );
  webhooks
    .command('replay')
    .description('Send messages once more: one of them, or those of a time range that failed or are kept')
    .argument('<id>', 'the id of the endpoint; see `tidings webhooks list`')
    .option('--delivery <id>', 'only this one, whatever became of it')
    .option('--since <time>', 'created at or after this time, such as 2025-10-31T19:00:00Z')
    .option('--until <time>', 'created before this time')
    .option('--include-sent', 'also what was sent')
    .option('--json', 'print one line of JSON')
    .action((id: string, options: ReplayOptions) =>
      runApiCommand(options.json, async (api) => {
        if (options.delivery !== undefined) {
          const data = await api.post(`${pathOf(id)}/deliveries/${encodeURIComponent(options.delivery)}/replay`);
          return { data, lines: [`The delivery ${options.delivery} is queued.`] };
        }
        const { since, until, includeSent } = options;
        const body = { since, until, include_sent: includeSent };
        const data = (await api.post(`${pathOf(id)}/replay`, body)) as JobView;
        return {
          data,
          lines: formatJobEnd(data, []).slice(0, 1),
          notes: [`See \`tidings jobs show ${data.job_id}\`.`],
        };
      }),
    );
}

interface UpdateOptions {
  readonly url?: string;
  readonly types?: string;
  readonly description?: string;
  readonly format?: string;
  readonly ordered?: boolean;
  readonly json?: boolean;
}

interface ReplayOptions {
  readonly delivery?: string;
  readonly since?: string;
  readonly until?: string;
  readonly includeSent?: boolean;
  readonly json?: boolean;
}

const STATES = [
  ['enable', 'active', 'Send to an endpoint again; what is kept for it waits for `webhooks replay`'],
  ['disable', 'disabled', 'Send nothing to an endpoint, and keep what is due for it'],
] as const;

function pathOf(id: string): string {
  return `/api/v1/webhooks/${encodeURIComponent(id)}`;
}

/** Returns the secret as the only line, so that `SECRET=$(tidings webhooks create …)` has it. */
function showSecret(endpoint: EndpointView & { readonly secret: string }): CommandOutput {
  const note = `This is the secret of the endpoint ${endpoint.endpoint_id}. Keep it: it is not shown again.`;
  return { data: endpoint, lines: [endpoint.secret], notes: [note] };
}

function formatEndpoint(one: EndpointView): string {
  const facts = [
    one.endpoint_id,
    one.state_code === null ? one.state : `${one.state} (${one.state_code})`,
    one.url,
    one.event_types === null ? '' : `facts: ${one.event_types.join(',')}`,
    one.notification_types?.join(',') ?? 'all types',
    one.failing_since === null ? '' : `${one.failures} failures since ${one.failing_since}`,
    one.description === '' ? '' : `"${one.description}"`,
  ];
  return facts.filter(Boolean).join('  ');
}

function formatDelivery(one: DeliveryOfEndpoint): string[] {
  return [
    `${one.delivery_id}  ${one.created_at}  ${one.notification_type}  ${one.status}${formatHold(one)}`,
    ...one.attempts.map(({ attempt, started_at, outcome, response, reason }) =>
      ['', attempt, started_at, outcome, reason ?? response ?? ''].join('  '),
    ),
  ];
}

function splitWords(text: string): string[] {
  return text.split(',').map((word) => word.trim());
}
