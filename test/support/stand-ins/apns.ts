import { generateKeyPairSync } from 'node:crypto';
import type { ProviderCode } from '../../../src/channels/codes.ts';
import type { SeenRequest, StandInReply } from './http-stand-in.ts';

const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });

export const APNS_PUBLIC_KEY = publicKey;

export function apnsSettings(url: string, sandboxUrl = url): { readonly [name: string]: string } {
  return {
    key_id: 'ABC123DEFG',
    team_id: 'DEF123GHIJ',
    private_key: privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
    topic: 'com.example.booking',
    base_url: url,
    sandbox_url: sandboxUrl,
  };
}

export const APNS_DEVICE = {
  kind: 'device',
  platform: 'ios',
  token: '00fc13adff785122b4ad28809a3420982341241421348097878e577c991de8f0',
  registeredAt: 1_760_000_000_000,
} as const;

export function acceptApns({ headers }: SeenRequest): StandInReply {
  return { status: 200, headers: { 'apns-id': String(headers['apns-id']) } };
}

const STATUSES: { readonly [code: string]: number } = {
  BadCertificate: 403,
  BadCertificateEnvironment: 403,
  BadEnvironmentKeyIdInToken: 403,
  BadEnvironmentKeyInToken: 403,
  ExpiredProviderToken: 403,
  Forbidden: 403,
  InvalidProviderToken: 403,
  MissingProviderToken: 403,
  UnrelatedKeyIdInToken: 403,
  BadPath: 404,
  MethodNotAllowed: 405,
  ExpiredToken: 410,
  Unregistered: 410,
  PayloadTooLarge: 413,
  TooManyProviderTokenUpdates: 429,
  TooManyRequests: 429,
  InternalServerError: 500,
  ServiceUnavailable: 503,
  Shutdown: 503,
};

/** Returns the reply of APNs with a reason. */
export function answerApns({ code }: Pick<ProviderCode, 'code'>, more: object = {}): StandInReply {
  return { status: STATUSES[code] ?? 400, headers: { 'apns-id': 'X' }, body: { reason: code, ...more } };
}
