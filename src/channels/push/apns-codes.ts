import type { ProviderCode } from '../codes.ts';

/**
 * Reasons of APNs. Source: developer.apple.com, "Handling notification responses from APNs". A repetition after a server error
 * does no harm: it replaces the first message.
 */
export const APNS_CODES: readonly ProviderCode[] = [
  { code: 'Unregistered', kind: 'address_dead', as: 'unregistered', meaning: 'the app is no longer on the device' },
  { code: 'ExpiredToken', kind: 'address_dead', as: 'unregistered', meaning: 'the device token has expired' },
  {
    code: 'BadDeviceToken',
    kind: 'address_dead',
    as: 'invalid',
    meaning: 'the device token is not valid',
    advice:
      'Tokens of development builds need the environment sandbox: register the device with it. Others are retired, and come back with the app.',
  },
  {
    code: 'DeviceTokenNotForTopic',
    kind: 'address_dead',
    as: 'invalid',
    meaning: 'the device token belongs to another app',
  },
  { code: 'MissingDeviceToken', kind: 'rejected', meaning: 'the device token is empty' },
  { code: 'BadCollapseId', kind: 'rejected', meaning: 'the collapse id is too long' },
  { code: 'BadExpirationDate', kind: 'rejected', meaning: 'the time of expiration is not valid' },
  { code: 'BadMessageId', kind: 'rejected', meaning: 'the id of the message is not valid' },
  { code: 'BadPriority', kind: 'rejected', meaning: 'the priority is not valid for this type of message' },
  { code: 'DuplicateHeaders', kind: 'rejected', meaning: 'a header was sent twice' },
  { code: 'InvalidPushType', kind: 'rejected', meaning: 'the push type is not valid' },
  { code: 'PayloadEmpty', kind: 'rejected', meaning: 'the payload is empty' },
  { code: 'PayloadTooLarge', kind: 'rejected', meaning: 'the payload is too large: at most 4096 bytes' },
  { code: 'IdleTimeout', kind: 'retry', of: 'message', meaning: 'the connection was idle for too long' },
  { code: 'BadTopic', kind: 'misconfigured', meaning: 'the topic is not valid: it is the bundle id of the app' },
  { code: 'MissingTopic', kind: 'misconfigured', meaning: 'the topic is missing: it is the bundle id of the app' },
  { code: 'TopicDisallowed', kind: 'misconfigured', meaning: 'the team may not send to this topic' },
  { code: 'BadCertificate', kind: 'misconfigured', meaning: 'the certificate is not valid' },
  { code: 'BadCertificateEnvironment', kind: 'misconfigured', meaning: 'the certificate is of the other environment' },
  { code: 'BadEnvironmentKeyIdInToken', kind: 'misconfigured', meaning: 'the key is of the other environment' },
  { code: 'BadEnvironmentKeyInToken', kind: 'misconfigured', meaning: 'the key is of the other environment' },
  { code: 'UnrelatedKeyIdInToken', kind: 'misconfigured', meaning: 'the key is not the one of this connection' },
  {
    code: 'InvalidProviderToken',
    kind: 'misconfigured',
    meaning: 'the key, key id or team id is not valid',
    advice:
      'Set the key (.p8), key id and team id of the same team again with `tidings accounts update`, check it with `tidings providers check`, then retry.',
    installationAdvice:
      'APNs is a provider of the installation: set `APNS_PRIVATE_KEY`, `APNS_KEY_ID` and `APNS_TEAM_ID` of the same team again in the environment of Tidings, restart Tidings, then retry.',
  },
  { code: 'MissingProviderToken', kind: 'misconfigured', meaning: 'the authentication token is missing' },
  {
    code: 'ExpiredProviderToken',
    kind: 'misconfigured',
    meaning: 'a new authentication token counts as expired: check the clock of this machine',
    advice: 'Synchronize the clock of this machine with NTP; nothing else has to change. Then retry.',
  },
  { code: 'Forbidden', kind: 'misconfigured', meaning: 'the team may not do this' },
  { code: 'BadPath', kind: 'misconfigured', meaning: 'the path is not known: check base_url' },
  { code: 'MethodNotAllowed', kind: 'misconfigured', meaning: 'the method is not allowed: check base_url' },
  { code: 'TooManyRequests', kind: 'retry', of: 'recipient', meaning: 'too many messages in a row to this device' },
  {
    code: 'TooManyProviderTokenUpdates',
    kind: 'retry',
    of: 'account',
    meaning: 'the authentication token changes too often: another system may use the same key',
  },
  { code: 'InternalServerError', kind: 'retry', meaning: 'an error inside APNs' },
  { code: 'ServiceUnavailable', kind: 'retry', meaning: 'the service is not available' },
  { code: 'Shutdown', kind: 'retry', of: 'message', meaning: 'this server of APNs is being shut down' },
];
