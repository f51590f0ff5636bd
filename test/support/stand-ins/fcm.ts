import { generateKeyPairSync } from 'node:crypto';
import type { ProviderCode } from '../../../src/channels/codes.ts';
import type { SeenRequest, StandInReply } from './http-stand-in.ts';

const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });

export const FCM_PUBLIC_KEY = publicKey;

/** Settings of an account whose key is as in an environment variable: with a literal `\n` for each line break. */
export function fcmSettings(url: string): { readonly [name: string]: string } {
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }) as string;
  return {
    project_id: 'tidings-1f2e3',
    client_email: 'sender@tidings-1f2e3.iam.gserviceaccount.com',
    private_key: pem.replaceAll('\n', '\\n'),
    token_uri: `${url}/token`,
    base_url: url,
  };
}

export const FCM_DEVICE = {
  kind: 'device',
  platform: 'android',
  token: 'cGFzc2FnZQ:APA91bHun4MxP5egoKMwt2KZFBaFUH-1RYqx',
  registeredAt: 1_760_000_000_000,
} as const;

export function isFcmSend({ path }: SeenRequest): boolean {
  return path.endsWith('messages:send');
}

export function acceptFcm(request: SeenRequest): StandInReply {
  if (!isFcmSend(request)) return grantToken();
  return { body: { name: 'projects/tidings-1f2e3/messages/0:1500415314455276%31bd1c9631bd1c96' } };
}

export function grantToken(token = 'ya29.access-token-of-the-stand-in', seconds = 3599): StandInReply {
  return { body: { access_token: token, expires_in: seconds, token_type: 'Bearer' } };
}

const STATUSES: { readonly [code: string]: number } = {
  INVALID_ARGUMENT: 400,
  FAILED_PRECONDITION: 400,
  OUT_OF_RANGE: 400,
  UNAUTHENTICATED: 401,
  THIRD_PARTY_AUTH_ERROR: 401,
  SENDER_ID_MISMATCH: 403,
  PERMISSION_DENIED: 403,
  UNREGISTERED: 404,
  NOT_FOUND: 404,
  ABORTED: 409,
  QUOTA_EXCEEDED: 429,
  RESOURCE_EXHAUSTED: 429,
  CANCELLED: 499,
  INTERNAL: 500,
  UNKNOWN: 500,
  UNSPECIFIED_ERROR: 500,
  UNAVAILABLE: 503,
  DEADLINE_EXCEEDED: 504,
};
/** Status of Google's API that stands beside a code of FCM. */
const STATUS_BESIDE: { readonly [code: string]: string } = {
  UNREGISTERED: 'NOT_FOUND',
  SENDER_ID_MISMATCH: 'PERMISSION_DENIED',
  THIRD_PARTY_AUTH_ERROR: 'UNAUTHENTICATED',
  QUOTA_EXCEEDED: 'RESOURCE_EXHAUSTED',
  UNSPECIFIED_ERROR: 'UNKNOWN',
  INVALID_ARGUMENT: 'INVALID_ARGUMENT',
  UNAVAILABLE: 'UNAVAILABLE',
  INTERNAL: 'INTERNAL',
};

/** Returns the reply of FCM that has a code of the table: in an FcmError if it is one of FCM, else as the status of the API. */
export function answerFcm({ code }: Pick<ProviderCode, 'code'>, more: readonly object[] = []): StandInReply {
  const beside = STATUS_BESIDE[code];
  const details = beside ? [{ '@type': 'type.googleapis.com/google.firebase.fcm.v1.FcmError', errorCode: code }] : [];
  const status = STATUSES[code] ?? 400;
  const message = `said of ${FCM_DEVICE.token}`;
  return { status, body: { error: { code: status, message, status: beside ?? code, details: [...details, ...more] } } };
}
