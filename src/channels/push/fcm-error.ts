import type { GuardedResponse } from '../../http-out/guarded-client.ts';
import type { Json, JsonObject } from '../../model/event.ts';
import type { ProviderCode } from '../codes.ts';
import { asObject, readJsonObject } from '../read-json.ts';

/**
 * Codes of FCM (`ErrorCode`), and below them the statuses of Google's API without one.
 * Source: firebase.google.com/docs/reference/fcm/rest/v1/ErrorCode. A server error may come after the message was delivered
 * (firebase/firebase-admin-node#1248): only the documented client errors prove that it was not.
 */
export const FCM_CODES: readonly ProviderCode[] = [
  { code: 'UNREGISTERED', kind: 'address_dead', as: 'unregistered', meaning: 'the app is no longer on the device' },
  { code: 'INVALID_ARGUMENT', kind: 'rejected', meaning: 'the message or the token is not valid' },
  {
    code: 'SENDER_ID_MISMATCH',
    kind: 'address_dead',
    as: 'invalid',
    meaning: 'the token belongs to another Firebase project',
    advice:
      'If it is one device, nothing: its app registers anew. If it is all of them, set the service account of the project that the app was built with.',
  },
  {
    code: 'THIRD_PARTY_AUTH_ERROR',
    kind: 'retry',
    of: 'recipient',
    fault: 'account',
    meaning: 'the APNs or Web Push key in the Firebase project is missing or not valid',
    advice: 'Upload the APNs key, or the Web Push certificate, in the settings of the Firebase project. Then retry.',
  },
  { code: 'QUOTA_EXCEEDED', kind: 'retry', of: 'account', meaning: 'the quota of the project or device is used up' },
  {
    code: 'UNAVAILABLE',
    kind: 'in_doubt',
    meaning: 'an overloaded server of FCM, which may have accepted the message',
  },
  { code: 'INTERNAL', kind: 'in_doubt', meaning: 'an error inside FCM, which may have accepted the message' },
  { code: 'UNSPECIFIED_ERROR', kind: 'in_doubt', meaning: 'an error of FCM that it does not explain' },
  { code: 'NOT_FOUND', kind: 'misconfigured', meaning: 'the project does not exist: check project_id and base_url' },
  {
    code: 'UNAUTHENTICATED',
    kind: 'misconfigured',
    meaning: 'the access token was rejected: check the service account',
  },
  {
    code: 'PERMISSION_DENIED',
    kind: 'misconfigured',
    meaning: 'the service account may not send: enable the FCM API and give it the role',
  },
  { code: 'FAILED_PRECONDITION', kind: 'misconfigured', meaning: 'the Firebase project is not set up for messages' },
  { code: 'RESOURCE_EXHAUSTED', kind: 'retry', of: 'account', meaning: 'the quota of the API is used up' },
  { code: 'OUT_OF_RANGE', kind: 'rejected', meaning: 'a value of the message is out of range' },
  { code: 'DEADLINE_EXCEEDED', kind: 'in_doubt', meaning: 'the time ran out inside FCM' },
  { code: 'UNKNOWN', kind: 'in_doubt', meaning: 'an unknown error inside FCM' },
  { code: 'CANCELLED', kind: 'in_doubt', meaning: 'the request was cancelled inside FCM' },
  { code: 'ABORTED', kind: 'in_doubt', meaning: 'the request was aborted inside FCM' },
];

/** An error as FCM documents it. */
export interface FcmFault {
  /** The code of FCM, or else the status of Google's API. */
  readonly code: string;
  /** Whether FCM itself judged the message and its token, not the API before it. */
  readonly isOfFcm: boolean;
  /** Whether the quota of one device is used up, not that of the project. */
  readonly isQuotaOfDevice: boolean;
}

/** Returns the error of a response; undefined: it does not have the shape of one. Texts for readers are not looked at. */
export function readFcmFault({ body }: GuardedResponse): FcmFault | undefined {
  const error = asObject(readJsonObject(body)?.error);
  if (typeof error?.status !== 'string') return undefined;
  const details = toObjects(error.details);
  const fcm = details.find((detail) => isOfType(detail, 'google.firebase.fcm.v1.FcmError'));
  const quota = details.find((detail) => isOfType(detail, 'google.rpc.QuotaFailure'));
  return {
    code: typeof fcm?.errorCode === 'string' ? fcm.errorCode : error.status,
    isOfFcm: typeof fcm?.errorCode === 'string',
    isQuotaOfDevice: toObjects(quota?.violations).some(({ subject }) => /^device/i.test(String(subject))),
  };
}

function toObjects(value: Json | undefined): JsonObject[] {
  return Array.isArray(value) ? value.map(asObject).filter((item) => item !== undefined) : [];
}

function isOfType(detail: JsonObject, type: string): boolean {
  return typeof detail['@type'] === 'string' && detail['@type'].endsWith(`/${type}`);
}
