import { expect, test } from 'vitest';
import { type DeadLetterGroup, toStoredGroup } from '../src/model/dead-letter.ts';
import { type LetterTidings, useDeadLetters } from './support/dead-letters.ts';
import { fakeProvider } from './support/providers.ts';

/** Advice on failures of an account: a tenant corrects its own by commands, and an operator that of the installation in the environment. */

const start = useDeadLetters();

const FAILURES = [
  [
    'credentials of Twilio',
    { channel: 'sms', provider: 'twilio', code: '20003' },
    '`TWILIO_AUTH_TOKEN`, or `TWILIO_API_KEY_SID`',
  ],
  ['a key of APNs', { channel: 'push', provider: 'apns', code: 'InvalidProviderToken' }, '`APNS_PRIVATE_KEY`'],
  ['a key of SendGrid', { channel: 'email', provider: 'sendgrid', code: '401' }, 'its settings in the environment'],
  ['an account that is paused', { channel: 'email', provider: 'ses', code: 'account_paused' }, 'its settings in'],
  ['a code that is not known', { channel: 'email', provider: 'ses', code: 'Another' }, 'its settings in'],
] as const;

test.each(FAILURES)(
  '%s of the installation are corrected in its environment, not by commands',
  async (_, of, words) => {
    const tidings = await start({ email: fakeProvider() });
    const ofInstallation = await adviceOf(tidings, { ...of, account: null });
    expect(ofInstallation).toContain(words);
    expect(ofInstallation).toMatch(/the environment of Tidings, restart Tidings, then retry\.$/);
    expect(ofInstallation).not.toMatch(/`tidings/);
  },
);

test.each(FAILURES)('%s of a tenant are corrected by commands', async (_, of) => {
  const tidings = await start({ email: fakeProvider() });
  const ofTenant = await adviceOf(tidings, { ...of, account: 'main' });
  expect(ofTenant).toContain('check it with `tidings providers check`');
  expect(ofTenant).not.toContain('environment');
});

test('a message in doubt at a provider of the installation has both advices', async () => {
  const tidings = await start({ email: fakeProvider() });
  const group = { channel: 'sms', provider: 'twilio', account: null, code: '20005', reasonCode: 'in_doubt' } as const;
  expect(await adviceOf(tidings, group)).toMatch(
    /^The message may have been sent: .* The provider is one of the installation: /,
  );
});

test.each([
  ['email', 'smtp'],
  ['email', 'sendgrid'],
  ['email', 'ses'],
] as const)('a sender that a tenant chose for %s by %s is corrected in its settings', async (channel, provider) => {
  const tidings = await start({ email: fakeProvider() });
  for (const account of [null, 'main'])
    expect(await adviceOf(tidings, { channel, provider, account, code: 'mail_from_rejected' })).toMatch(
      /^Correct `mail_from` in the settings of the tenant/,
    );
});

test('endpoints and substitutes, which have no account, are not corrected in the environment', async () => {
  const tidings = await start({ email: fakeProvider() });
  for (const code of [null, 'account_paused']) {
    const group = { account: null, code };
    expect(await adviceOf(tidings, { channel: 'webhook', provider: 'webhook', ...group })).toMatch(
      /^Look at the endpoint: /,
    );
    expect(await adviceOf(tidings, { channel: 'email', provider: 'sandbox', ...group })).toMatch(/^Look at the log of/);
  }
});

/** Returns the advice of the API on a group with one dead letter. */
async function adviceOf(tidings: LetterTidings, group: Omit<DeadLetterGroup, 'fault' | 'reasonCode'>): Promise<string> {
  await tidings.post('mail');
  await tidings.pool.query(
    `update deliveries set status = 'dead', provider = $1, reason_code = 'retries_exhausted', dead_letter = $2,
       finished_at = created_at`,
    [group.provider, toStoredGroup({ reasonCode: 'retries_exhausted', fault: 'account', ...group })],
  );
  const [{ advice }] = await tidings.groups();
  return advice;
}
