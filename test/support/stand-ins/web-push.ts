import { createECDH, randomBytes } from 'node:crypto';
import { createRequire } from 'node:module';
import { importJWK, type JWK } from 'jose';
import webPush from 'web-push';
import type { ProviderCode } from '../../../src/channels/codes.ts';
import type { SeenRequest, StandInReply } from './http-stand-in.ts';

const keys = webPush.generateVAPIDKeys();
const browser = createECDH('prime256v1');
browser.generateKeys();
const auth = randomBytes(16);

export const VAPID_SETTINGS = {
  public_key: keys.publicKey,
  private_key: keys.privateKey,
  subject: 'mailto:ops@example.com',
};

/** Returns the subscription of a browser at a push service. */
export function subscribe(url: string) {
  return {
    kind: 'browser',
    endpoint: `${url}/push/fKpVAbyBQ1Y`,
    p256dh: browser.getPublicKey('base64url'),
    auth: auth.toString('base64url'),
    registeredAt: 1_760_000_000_000,
  } as const;
}

export function acceptWebPush({ path }: SeenRequest): StandInReply {
  return { status: 201, headers: { location: `https://push.example.com${path}/m/qDIYHNcfAIPP_5ITvURr-d6BGt` } };
}

export function answerWebPush({ code }: ProviderCode): StandInReply | undefined {
  return /^\d+$/.test(code) ? { status: Number(code), body: { errno: 1, message: 'no' } } : undefined;
}

/** Decrypts a message as the browser does (RFC 8291). */
export function decryptWebPush(body: Buffer): string {
  const ece = createRequire(import.meta.url)('http_ece') as {
    decrypt(body: Buffer, options: object): Buffer;
  };
  const options = { version: 'aes128gcm', privateKey: browser, authSecret: auth.toString('base64url') };
  return ece.decrypt(body, options).toString('utf8');
}

/** Returns the public VAPID key as one that verifies a JWT. */
export function importVapidKey() {
  const point = Buffer.from(keys.publicKey, 'base64url');
  const [x, y] = [point.subarray(1, 33), point.subarray(33)].map((half) => half.toString('base64url'));
  return importJWK({ kty: 'EC', crv: 'P-256', x, y } as JWK, 'ES256');
}
