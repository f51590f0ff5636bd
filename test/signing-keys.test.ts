import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import { expect, test } from 'vitest';
import { loadProvider } from '../src/channels/registry.ts';

/** DKIM keys that an account is known to sign with, which `tidings doctor` looks up. */

async function listKeys(provider: string, settings: object) {
  const definition = (await loadProvider(provider))!;
  return definition.signingKeys?.(definition.settings.parse(settings));
}

const SMTP = { url: 'smtp://mail.bank.pt', from: 'Bank <hello@bank.pt>' };

test('an SMTP account that signs itself has its key with the public half, and none otherwise', async () => {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString().replaceAll('\n', '\\n');
  const own = { dkim_domain: 'bank.pt', dkim_selector: 't1', dkim_private_key: pem };
  const [key] = (await listKeys('smtp', { ...SMTP, ...own }))!;
  expect(key).toMatchObject({ domain: 'bank.pt', selector: 't1' });
  const published = createPublicKey({ key: Buffer.from(key!.publicKey!, 'base64'), format: 'der', type: 'spki' });
  expect(published.equals(publicKey)).toBe(true);
  expect(await listKeys('smtp', SMTP)).toEqual([]);
});

test('SendGrid signs with the names that its domain authentication gives', async () => {
  const keys = await listKeys('sendgrid', { api_key: 'SG.key', from: 'hello@bank.pt' });
  expect(keys).toEqual([{ selector: 's1' }, { selector: 's2' }]);
});
