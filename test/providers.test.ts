import { expect, test } from 'vitest';
import { smtpProvider } from '../src/channels/email/smtp.ts';
import { logProvider } from '../src/channels/internal/log.ts';
import { noopProvider } from '../src/channels/noop.ts';
import { sandboxProvider } from '../src/channels/sandbox.ts';
import { CHANNELS } from '../src/model/delivery.ts';
import { never, outgoing, testProvider } from './support/channel-contract.ts';
import { mailSink } from './support/mailsink.ts';

const FROM = 'Tidings <tidings@mail.example.com>';

testProvider('noop', async () => ({ provider: noopProvider(CHANNELS) }));

testProvider('sandbox', async () => ({ provider: sandboxProvider(CHANNELS) }));

testProvider('log', async () => ({ provider: logProvider(['internal'], () => {}) }));

testProvider('smtp', async () => {
  const sink = await mailSink();
  return { provider: smtpProvider({ url: sink.url, from: FROM }), stop: () => sink.close() };
});

test('log has the ID of the user, and masks addresses', async () => {
  const lines: object[] = [];
  const provider = logProvider(['internal'], (line) => lines.push(line));
  const text = 'Third failure; ask maria@example.com, +351 912 345 678';
  await provider.send(outgoing({ channel: 'internal', message: { text } }), never());
  expect(lines).toEqual([
    {
      tenant_id: 'default',
      notification_id: 'n-1',
      notification_type: 'WELCOME_EMAIL',
      user_id: 'u_1',
      text: 'Third failure; ask m…@example.com, +351…78',
    },
  ]);
});
