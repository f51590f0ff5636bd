import { z } from 'zod';
import { getCodeAdvice } from '../channels/advice.ts';
import type { ProviderCode } from '../channels/codes.ts';
import type { ProviderDefinition } from '../channels/provider.ts';
import { listSecrets } from '../channels/secret-setting.ts';
import type { CHANNELS } from '../model/delivery.ts';
import { getFault } from '../model/fault.ts';

interface Setting {
  readonly type?: string;
  readonly description?: string;
  readonly enum?: readonly unknown[];
}

interface SettingsSchema {
  readonly properties: { readonly [name: string]: Setting };
  readonly required?: readonly string[];
}

/** Returns the page of a provider in the docs, as Markdown: everything in it comes from its definition. */
export function formatProviderPage(definition: ProviderDefinition): string {
  const { name, label, channels, about } = definition;
  const lines = [
    `# ${label}`,
    '',
    '<!-- Made by `npm run generate` from the definition of the provider: do not edit. -->',
    '',
    `Provider \`${name}\`, for ${channels.map((channel) => `\`${channel}\``).join(', ')}. [How accounts work](../providers.md).`,
    '',
    // Links in a definition are those of the folder above.
    about.replaceAll(/\]\((?!https?:|#|\.\.\/)([^)]+\.md)/g, '](../$1'),
    '',
    '## Settings',
    '',
    ...formatSettings(definition),
    '',
    '## Try it',
    '',
    ...formatTrial(definition),
    '',
    '## What happens',
    '',
    ...formatFacts(definition),
    '',
    '## Errors',
    '',
    ...formatCodes(definition),
    '',
  ];
  return lines.join('\n');
}

function formatSettings({ settings, environment }: ProviderDefinition): string[] {
  const schema = z.toJSONSchema(settings, { io: 'input', unrepresentable: 'any' }) as unknown as SettingsSchema;
  const secrets = new Set(listSecrets(settings));
  if (Object.keys(schema.properties).length === 0) return ['It has no settings.'];
  const rows = Object.entries(schema.properties).map(([name, setting]) => {
    const need = schema.required?.includes(name) ? 'required' : formatDefault(findDefault(settings, name));
    const variable = environment?.variables[name] ?? environment?.patterns?.[name];
    const meaning = [
      secrets.has(name) ? '**Secret.**' : '',
      setting.description ?? '',
      setting.enum ? `One of ${setting.enum.map((value) => `\`${String(value)}\``).join(', ')}.` : '',
    ];
    return [`\`${name}\``, need, variable === undefined ? '' : `\`${variable}\``, meaning.filter(Boolean).join(' ')];
  });
  const table = toTable(['setting', 'default', 'variable', 'meaning'], rows);
  return environment
    ? [
        ...table,
        '',
        'A variable gives the setting of the account of the installation; see [operations](../operations.md#outbound-traffic).',
      ]
    : [...table, '', 'The installation itself has no account with this provider: tenants save theirs.'];
}

/** Returns the value of a setting that is not given; undefined: it stays absent. */
function findDefault(settings: z.ZodType, name: string): unknown {
  const field = settings instanceof z.ZodObject ? (settings.shape as { [name: string]: z.ZodType })[name] : undefined;
  const parsed = field?.safeParse(undefined);
  return parsed?.success ? parsed.data : undefined;
}

function formatDefault(value: unknown): string {
  const isEmpty = typeof value === 'object' && value !== null && Object.keys(value).length === 0;
  return value === undefined || isEmpty ? 'none' : `\`${String(value)}\``;
}

const TRIAL_OPTIONS: { readonly [channel in (typeof CHANNELS)[number]]: string } = {
  email: '--to you@example.com',
  sms: '--to +351912345678',
  push: '',
  in_app: '',
  webhook: '',
  chat: "--to '#alerts'",
  internal: '',
};

/** Options for a push message; a service that is absent has devices of both platforms. */
const PUSH_TRIAL_OPTIONS: { readonly [provider: string]: string } = {
  apns: '--to-file token.txt --platform ios   # - is standard input; --environment sandbox for a development build',
  web_push: '--to-file subscription.json   # what JSON.stringify(subscription) wrote; - is standard input',
};
const DEVICE_TRIAL_OPTIONS = '--to-file token.txt --platform android   # or ios; - is standard input';

/** An endpoint needs no account. */
const WEBHOOK_TRIAL = [
  'tidings webhooks create https://example.com/hook   # prints the id of the endpoint, and its secret once',
  'tidings webhooks test ENDPOINT_ID                  # sends one test call, and shows the response',
];

function formatTrial({ name, channels, settings, checks }: ProviderDefinition): string[] {
  const [channel = 'email'] = channels;
  if (channel === 'webhook') return ['```sh', ...WEBHOOK_TRIAL, '```'];
  const several = channels.length > 1;
  const secrets = listSecrets(settings);
  const schema = z.toJSONSchema(settings, { io: 'input', unrepresentable: 'any' }) as unknown as SettingsSchema;
  const given = (schema.required ?? []).filter((setting) => !secrets.includes(setting));
  const needed = (schema.required ?? []).filter((setting) => secrets.includes(setting));
  // An object or a list is written to a file.
  const isPlain = given.every((setting) => !['object', 'array', undefined].includes(schema.properties[setting]?.type));
  const options = isPlain
    ? [
        ...given.map((setting) => `--set ${setting}=…`),
        ...needed.map((setting) => `--secret-env ${setting}=${setting.toUpperCase()}`),
      ]
    : ['--settings account.json'];
  const create = [
    `tidings accounts create main --provider ${name}`,
    ...(several ? [`--channels ${channel}`] : []),
    ...options,
  ];
  return [
    '```sh',
    create.join(' \\\n  '),
    ...(checks === null ? [] : ['tidings providers check main        # asks the provider, and sends nothing']),
    `tidings providers send-test main ${
      channel === 'push' ? (PUSH_TRIAL_OPTIONS[name] ?? DEVICE_TRIAL_OPTIONS) : TRIAL_OPTIONS[channel]
    }`,
    '```',
  ];
}

const REPEATS: { readonly [repeats in ProviderDefinition['repeats']]: string } = {
  recognized: 'The provider recognizes it: the message arrives once.',
  replaced: 'It replaces the first message where that arrived.',
  doubled: 'It is not recognized: the message may arrive twice.',
};

const CORRELATES: { readonly [by in ProviderDefinition['correlatesBy']]: string } = {
  reference: 'They name the delivery by our reference, which goes along with each message.',
  message_id: 'They name the delivery by the id that the provider gave the message.',
  nothing: 'The provider sends no receipts: a message that was accepted stays `sent`.',
};

const NO_CHECK =
  '`tidings providers check` only opens it: the provider offers no way to ask whether it lets the account in. A test message shows that.';

function formatFacts({
  defaults,
  repeats,
  correlatesBy,
  keepsMessage,
  receipts,
  checks,
}: ProviderDefinition): string[] {
  const { concurrency, perSecond, maxMillis } = defaults;
  const rate = perSecond === undefined ? 'none that the provider documents' : `${perSecond} messages a second`;
  return toTable(
    ['fact', 'value'],
    [
      ['the check of an account', checks ?? NO_CHECK],
      ['sends at once, of each process', String(concurrency)],
      ['rate of an ordinary account', rate],
      ['limit of one send', `${maxMillis / 1000} s; what has no response by then is \`in_doubt\``],
      ['a repetition of a message in doubt', REPEATS[repeats]],
      ['receipts', receipts ? CORRELATES[correlatesBy] : CORRELATES.nothing],
      ['texts', keepsMessage ? 'Kept, for the console and the API.' : 'Not kept.'],
    ],
  );
}

const SCOPES: { readonly [scope in NonNullable<ProviderCode['of']>]: string } = {
  recipient: 'for this recipient',
  domain: "for the recipient's domain",
  message: 'for this message',
  account: 'for the account: its other messages wait as well',
  provider: 'for the provider: its other messages wait as well',
};

const DEAD: { readonly [kind in NonNullable<ProviderCode['as']>]: string } = {
  invalid: 'it does not exist',
  unregistered: 'its app or mailbox is gone',
  opted_out: 'its owner wants no more messages',
  weak: 'it failed too often',
};

function formatCodes({ codes, environment }: ProviderDefinition): string[] {
  const rows = codes.map(({ code, meaning, ...entry }) => [
    `\`${code}\``,
    meaning,
    describeKind(entry),
    getFault(entry),
    getCodeAdvice(entry, 'tenant'),
  ]);
  return [
    ...toTable(['code', 'meaning', 'what Tidings does', 'fault', 'what you do'], rows),
    ...(environment ? formatInstallationAdvice(codes) : []),
  ];
}

/** Returns a table of the advice that is another one for the account of the installation, each with its codes. */
function formatInstallationAdvice(codes: readonly ProviderCode[]): string[] {
  const codesOf = new Map<string, string[]>();
  for (const entry of codes) {
    const advice = getCodeAdvice(entry, 'installation');
    if (advice === getCodeAdvice(entry, 'tenant')) continue;
    codesOf.set(advice, [...(codesOf.get(advice) ?? []), `\`${entry.code}\``]);
  }
  if (codesOf.size === 0) return [];
  const rows = [...codesOf].map(([advice, of]) => [of.join(', '), advice]);
  return [
    '',
    'With the account of the installation, you do something else:',
    '',
    ...toTable(['code', 'what you do'], rows),
  ];
}

function describeKind({ kind, of = 'provider', as = 'invalid' }: Pick<ProviderCode, 'kind' | 'of' | 'as'>): string {
  switch (kind) {
    case 'retry':
      return `tries again later, ${SCOPES[of]}`;
    case 'rejected':
      return 'gives this message up';
    case 'address_dead':
      return `gives the address up: ${DEAD[as]}`;
    case 'misconfigured':
      return 'waits until the account is corrected';
    case 'in_doubt':
      return 'keeps it in doubt: it may have been sent';
  }
}

function toTable(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const toRow = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|').replaceAll('\n', ' ')).join(' | ')} |`;
  return [toRow(head), `|${'---|'.repeat(head.length)}`, ...rows.map(toRow)];
}
