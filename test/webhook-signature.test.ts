import { createHmac } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { verifyWebhook, verifyWebhookSignature } from '../packages/client/src/webhooks.ts';
import { findSecretFault } from '../src/channels/webhook/secret.ts';
import { signRequest } from '../src/channels/webhook/sign.ts';

/** Signatures of webhooks: known answers of Standard Webhooks, made here and verified by the client. */

const ID = 'msg_p5jXN8AQM9LWM0D4loKWxJek';
const TIMESTAMP = 1_614_265_330;
const BODY = '{"test": 2432232314}';
const SYMMETRIC = {
  secret: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
  verifier: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
  signature: 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
};
const ASYMMETRIC = {
  secret: 'whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg==',
  verifier: 'whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4=',
  signature: 'v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg==',
};
const REQUEST = { id: ID, timestamp: TIMESTAMP, body: BODY };
const now = TIMESTAMP * 1000;

const headersWith = (signature: string, more: object = {}) => ({
  'webhook-id': ID,
  'webhook-timestamp': String(TIMESTAMP),
  'webhook-signature': signature,
  ...more,
});
const verify = (headers: object, secret: string | string[] = SYMMETRIC.secret, body = BODY) =>
  verifyWebhook(body, headers as Record<string, string>, secret, { now });

describe.each([
  ['HMAC', SYMMETRIC],
  ['Ed25519', ASYMMETRIC],
])('the known answer of %s', (_, { secret, verifier, signature }) => {
  test('is what is signed', () => {
    expect(signRequest(REQUEST, [secret])).toMatchObject(headersWith(signature));
  });

  test('is verified, alone and among others', async () => {
    expect(await verify(headersWith(signature), verifier)).toEqual({ test: 2432232314 });
    expect(await verify(headersWith(`v1,AAAA v2,AAAA ${signature}`), verifier)).toEqual({ test: 2432232314 });
    expect(
      await verify(new Headers(headersWith(signature)), ['whsec_b3RoZXIgc2VjcmV0IG90aGVyIHNlY3JldA==', verifier]),
    ).toEqual({
      test: 2432232314,
    });
  });

  test('is rejected once one character is another, or it is cut', async () => {
    const [version, text = ''] = signature.split(',');
    const altered = `${version},${text[0] === 'A' ? 'B' : 'A'}${text.slice(1)}`;
    for (const wrong of [altered, `${version},`, `${version},${text.slice(0, -8)}`, signature.slice(0, -3), text, '']) {
      await expect(verify(headersWith(wrong), verifier), wrong).rejects.toThrow('signature');
    }
    await expect(verify(headersWith(signature), verifier, `${BODY} `)).rejects.toThrow('No signature fits');
  });
});

test('a secret without its prefix is the same secret', async () => {
  const bare = SYMMETRIC.secret.slice('whsec_'.length);
  expect(signRequest(REQUEST, [bare])['webhook-signature']).toBe(SYMMETRIC.signature);
  expect(await verify(headersWith(SYMMETRIC.signature), bare)).toEqual({ test: 2432232314 });
});

test('a text of any form signs as it is', async () => {
  const headers = signRequest(REQUEST, ['a secret of one’s own'.replaceAll(/[^a-z]/g, '-')]);
  expect(await verify(headers, 'a-secret-of-one-s-own')).toEqual({ test: 2432232314 });
});

test.each([
  '',
  'whsec_',
  'whsec_AAAA',
  'whsk_AAAA',
  'short',
  ASYMMETRIC.verifier,
  `${ASYMMETRIC.secret.slice(0, -4)}AA==`,
  'a b c d e f g h i j k',
])('%j cannot be a secret', async (secret) => {
  expect(findSecretFault(secret)).toMatch(/^(is|has|does) /);
});

test.each([SYMMETRIC.secret, ASYMMETRIC.secret, 'a-secret-of-one-s-own'])('%j can be a secret', (secret) => {
  expect(findSecretFault(secret)).toBeUndefined();
});

test.each(['', 'whsec_'])('the secret %j verifies nothing', async (secret) => {
  await expect(verify(headersWith(SYMMETRIC.signature), secret)).rejects.toThrow('No signature fits');
});

test.each(['webhook-id', 'webhook-timestamp', 'webhook-signature'])(
  'a request without %s is rejected',
  async (name) => {
    await expect(verify(headersWith(SYMMETRIC.signature, { [name]: undefined }))).rejects.toThrow(`${name} is missing`);
  },
);

test.each([String(TIMESTAMP - 301), String(TIMESTAMP + 301), `${TIMESTAMP}.5`, `-${TIMESTAMP}`, 'soon', '1e9', '0x10'])(
  'the timestamp %s is rejected, though the signature fits',
  async (timestamp) => {
    const signed = signRequest({ id: ID, timestamp: timestamp as unknown as number, body: BODY }, [SYMMETRIC.secret]);
    await expect(verify(signed)).rejects.toThrow('webhook-timestamp');
  },
);

test('during a rotation each secret signs, and each of them verifies', async () => {
  const secrets = [SYMMETRIC.secret, ASYMMETRIC.secret, 'a-secret-of-one-s-own'];
  const headers = signRequest(REQUEST, secrets);
  for (const secret of [SYMMETRIC.secret, ASYMMETRIC.verifier, 'a-secret-of-one-s-own']) {
    expect(await verify(headers, secret)).toEqual({ test: 2432232314 });
  }
  const plain = headers['x-webhook-signature'];
  expect(await verifyWebhookSignature(BODY, plain, SYMMETRIC.secret)).toBe(true);
  expect(await verifyWebhookSignature(BODY, plain, 'a-secret-of-one-s-own')).toBe(true);
});

test('x-webhook-signature is sha256= and the HMAC of the body in hex, by the secret as it is written', async () => {
  const hex = createHmac('sha256', SYMMETRIC.secret).update(BODY).digest('hex');
  const { 'x-webhook-signature': header } = signRequest(REQUEST, [SYMMETRIC.secret]);
  expect(header).toBe(`sha256=${hex}`);
  expect(await verifyWebhookSignature(BODY, header, SYMMETRIC.secret)).toBe(true);
  expect(await verifyWebhookSignature(new TextEncoder().encode(BODY), header, SYMMETRIC.secret)).toBe(true);
  expect(signRequest(REQUEST, [ASYMMETRIC.secret])).not.toHaveProperty('x-webhook-signature');
  for (const wrong of [undefined, '', 'sha256=', hex, `sha256=${hex.slice(1)}0`, `sha256=${hex}0`]) {
    expect(await verifyWebhookSignature(BODY, wrong, SYMMETRIC.secret)).toBe(false);
  }
  expect(await verifyWebhookSignature(BODY, `sha256=${hex}`, '')).toBe(false);
});
