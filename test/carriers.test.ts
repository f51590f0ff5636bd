import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { http } from '../src/channels/http/http.ts';
import type { Target } from '../src/model/delivery.ts';
import { ADDRESS } from './support/channel-contract.ts';
import { openAtStandIn } from './support/stand-ins/carrier.ts';
import type { StandInReply } from './support/stand-ins/http-stand-in.ts';
import { fakeTools, toRequest } from './support/stand-ins/sns.ts';

/** Settings as docs/carriers.md has them, by heading. */
const ACCOUNTS = new Map(
  readFileSync('docs/carriers.md', 'utf8')
    .split(/^## /m)
    .flatMap((section): [string, Account][] => {
      const [, json] = /```json\n(.*?)```/s.exec(section) ?? [];
      return json === undefined ? [] : [[section.split('\n', 1)[0] ?? '', JSON.parse(json)]];
    }),
);

interface Account {
  readonly [name: string]: unknown;
  readonly url: string;
  readonly errors: {
    readonly path?: string;
    readonly equals?: unknown;
    readonly status?: number;
    readonly body?: string;
    readonly is: string;
  }[];
}

const EMAIL: Target = { kind: 'email', address: ADDRESS };
const HOOK: Target = { kind: 'chat', url: 'https://hooks.example/services/T0/B0/SECRETSECRET' };

const CARRIERS: readonly { name: string; target: Target; success: StandInReply; path: string; id?: string }[] = [
  {
    name: 'Build an account: Postmark',
    target: EMAIL,
    success: { body: { ErrorCode: 0, Message: 'OK', MessageID: 'b7bc2f4a', To: ADDRESS } },
    path: '/email',
    id: 'b7bc2f4a',
  },
  {
    name: 'Slack, by an incoming webhook',
    target: HOOK,
    success: { body: 'ok' },
    path: '/services/T0/B0/SECRETSECRET',
  },
  {
    name: 'Slack, by `chat.postMessage`',
    target: { kind: 'chat', channel: 'C024BE91L' },
    success: { body: { ok: true, ts: '1405895017.000506' } },
    path: '/api/chat.postMessage',
    id: '1405895017.000506',
  },
  {
    name: 'Discord',
    target: HOOK,
    success: { body: { id: '1184', content: 'Hello' } },
    path: '/services/T0/B0/SECRETSECRET?wait=true',
    id: '1184',
  },
  {
    name: 'Microsoft Teams',
    target: HOOK,
    success: { status: 202, headers: { 'x-ms-workflow-run-id': '0858' } },
    path: '/services/T0/B0/SECRETSECRET',
    id: '0858',
  },
  {
    name: 'SMS by Vonage',
    target: { kind: 'phone', number: '+351912345678' },
    success: { status: 202, body: { message_uuid: 'aaaa-bbbb' } },
    path: '/v1/messages',
    id: 'aaaa-bbbb',
  },
];

test('the docs have no account that is not tried here', () => {
  expect([...ACCOUNTS.keys()]).toEqual(CARRIERS.map(({ name }) => name));
});

describe.each(CARRIERS)('$name', ({ name, target, success, path, id }) => {
  const account = ACCOUNTS.get(name)!;
  const send = (reply: StandInReply) => openAtStandIn(account, { target, message: { text: 'Hello' } }, reply);

  test('sends, and reads success', async () => {
    const { outcome, requests } = await send(success);
    expect(outcome).toEqual({ kind: 'sent', ...(id === undefined ? {} : { providerMessageId: id }) });
    expect(requests.map((request) => request.path)).toEqual([path]);
    expect(requests[0]?.body).not.toContain('{{');
  });

  test('takes no proxy’s page for success', async () => {
    for (const status of [200, 202]) {
      expect((await send({ status, body: '<html>ok</html>' })).outcome).toMatchObject({ kind: 'in_doubt' });
    }
  });

  test('means each error as its rule says, without the address', async () => {
    for (const rule of account.errors) {
      const json = rule.path === undefined ? undefined : nest(rule.path, rule.equals ?? 'something_else');
      const secret = target.kind === 'chat' ? target.url : undefined;
      const body = rule.body ?? { ...json, said: `no ${ADDRESS} ${secret}` };
      const { outcome } = await send({ status: rule.status ?? (rule.body ? 404 : 422), body });
      expect(outcome).toMatchObject({ kind: rule.is });
      expect(JSON.stringify(outcome)).not.toMatch(/maria|SECRETSECRET/);
    }
  });

  test('waits as long as a rate limit says', async () => {
    expect((await send({ status: 429, headers: { 'retry-after': '3' } })).outcome).toMatchObject({
      kind: 'retry',
      after: 3000,
    });
    expect((await send({ status: 429 })).outcome).toMatchObject({ kind: 'retry' });
  });
});

test('Teams: a workflow that is turned off is waited for, and stops no other', async () => {
  const body = { error: { code: 'WorkflowTriggerIsNotEnabled', message: "in the state 'Deleted'" } };
  const { outcome } = await openAtStandIn(ACCOUNTS.get('Microsoft Teams')!, { target: HOOK }, { status: 400, body });
  expect(outcome).toMatchObject({ kind: 'retry', of: 'recipient', after: 600_000 });
  // The older connectors answer so, also when Teams limits the rate.
  expect(
    (await openAtStandIn(ACCOUNTS.get('Microsoft Teams')!, { target: HOOK }, { body: '1' })).outcome,
  ).toMatchObject({
    kind: 'in_doubt',
  });
});

test('Discord: the pause of the body counts, for one webhook or for all, and an hour without one', async () => {
  const send = (reply: StandInReply) =>
    openAtStandIn(ACCOUNTS.get('Discord')!, { target: HOOK }, { status: 429, ...reply });
  for (const [global, of] of [
    [false, 'recipient'],
    [true, 'account'],
  ] as const) {
    const body = { message: 'You are being rate limited.', retry_after: 0.65, global };
    expect((await send({ body })).outcome).toMatchObject({ kind: 'retry', of, after: 650 });
  }
  expect((await send({})).outcome).toMatchObject({ kind: 'retry', of: 'account', after: 3_600_000 });
});

test('Postmark: attachments, unsubscribe headers, and its reports', async () => {
  const account = ACCOUNTS.get('Build an account: Postmark')!;
  const attachments = [{ name: 'a.pdf', type: 'application/pdf', content: Buffer.from('x') }];
  const message = { text: 'Hello', attachments };
  const { request } = await openAtStandIn(account, { message, unsubscribeUrl: 'https://tidings.example/u/1' });
  expect(JSON.parse(request.body)).toMatchObject({
    Attachments: [{ Name: 'a.pdf', ContentType: 'application/pdf', Content: 'eA==' }],
    Headers: [
      { Name: 'List-Unsubscribe', Value: '<https://tidings.example/u/1>' },
      { Name: 'List-Unsubscribe-Post', Value: 'List-Unsubscribe=One-Click' },
    ],
  });
  const settings = http.settings.parse(account);
  const bounce = {
    RecordType: 'Bounce',
    Type: 'HardBounce',
    MessageID: 'b7bc2f4a',
    Details: 'smtp;550 5.1.1 no such user',
    BouncedAt: '2026-11-05T16:33:54Z',
    Metadata: { tidings_key: 'n-1.email' },
  };
  const request2 = toRequest(bounce, { authorization: `Basic ${btoa('tidings:A-LONG-RANDOM-PASSWORD')}` });
  expect(await http.receipts!.verify(request2, settings, fakeTools().tools)).toBeUndefined();
  expect(http.receipts!.read(request2, settings).receipts).toMatchObject([
    {
      of: { reference: 'n-1.email' },
      kind: 'bounced',
      isPermanent: true,
      enhancedCode: '5.1.1',
      at: Date.parse('2026-11-05T16:33:54Z'),
    },
  ]);
});

/** Returns an object with a value at a path. */
function nest(path: string, value: unknown): object {
  return path.split('.').reduceRight<unknown>((inner, name) => ({ [name]: inner }), value) as object;
}
