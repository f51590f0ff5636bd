import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { Outgoing } from '../src/channels/provider.ts';
import { openAtStandIn } from './support/stand-ins/carrier.ts';
import type { StandInReply } from './support/stand-ins/http-stand-in.ts';

/** Users have no address in a chat: the account says where its messages go. */

const SLACK = readAccount('Slack, by an incoming webhook');
const SLACK_BOT = readAccount('Slack, by `chat.postMessage`');
const PATH = '/services/T0/B0/SECRETSECRET';
const TO_CHAT: Partial<Outgoing> = { channel: 'chat', target: { kind: 'none' }, message: { text: 'Hello' } };

function readAccount(heading: string): { readonly url: string; readonly [name: string]: unknown } {
  const section = readFileSync('docs/carriers.md', 'utf8').split(`## ${heading}\n`)[1] ?? '';
  return JSON.parse(/```json\n(.*?)```/s.exec(section)?.[1] ?? '');
}

const send = (settings: typeof SLACK, reply: StandInReply) => openAtStandIn(settings, TO_CHAT, reply);

test('a message goes to the incoming webhook of the account', async () => {
  const { outcome, request } = await send({ ...SLACK, chat_url: `https://hooks.slack.example${PATH}` }, { body: 'ok' });
  expect(outcome.kind).toBe('sent');
  expect([request.path, JSON.parse(request.body)]).toEqual([PATH, { text: 'Hello' }]);
});

test('a message goes to the channel of the account', async () => {
  const { outcome, request } = await send({ ...SLACK_BOT, chat_channel: 'C42' }, { body: { ok: true, ts: '1.2' } });
  expect(outcome.kind).toBe('sent');
  expect(JSON.parse(request.body)).toMatchObject({ channel: 'C42' });
});

test('an account whose URL is that of the chat needs neither', async () => {
  const { chat_url: _, ...others } = SLACK;
  const { outcome, request } = await send({ ...others, url: `https://hooks.slack.example${PATH}` }, { body: 'ok' });
  expect([outcome.kind, request.path]).toEqual(['sent', PATH]);
});

test('an account that does not say where waits until it is corrected, and nothing is called', async () => {
  const { chat_url: _, ...url } = SLACK;
  const { chat_channel: __, ...channel } = SLACK_BOT;
  for (const [settings, missing] of [[url, 'chat_url'] as const, [channel, 'chat_channel'] as const]) {
    const { outcome, requests } = await send(settings as typeof SLACK, { body: 'ok' });
    expect(outcome).toMatchObject({ kind: 'misconfigured', reason: expect.stringContaining(missing) });
    expect(requests).toEqual([]);
  }
});

test('a place that is gone stops the account, and loses no message; the URL is in no outcome', async () => {
  const settings = { ...SLACK, chat_url: `https://hooks.slack.example${PATH}` };
  const { outcome } = await send(settings, { status: 404, body: 'no_service' });
  expect(outcome).toMatchObject({ kind: 'misconfigured', code: expect.any(String) });
  expect(JSON.stringify(outcome)).not.toContain('SECRETSECRET');
});
