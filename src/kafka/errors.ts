/* Errors of the Kafka client, whose cause is several errors deep. */

/** The client has a message of its own for a topic that the answer of a broker does not have. */
export function isUnknownTopic(error: unknown): boolean {
  const isMessage = (one: object) => one instanceof Error && one.message.startsWith('Unknown topic ');
  return hasApiError(error, 'UNKNOWN_TOPIC_OR_PARTITION') || findIn(error, isMessage, 0) !== undefined;
}

/** Whether a partition has no leader: its broker is away, or it was just made. */
export function isLeaderless(error: unknown): boolean {
  return hasApiError(error, 'LEADER_NOT_AVAILABLE') || hasApiError(error, 'LISTENER_NOT_FOUND');
}

/** Whether an error is of this kind, or has one: the cause is several errors deep. */
export function hasApiError(error: unknown, apiId: string): boolean {
  return findIn(error, (one) => (one as { apiId?: unknown }).apiId === apiId, 0) !== undefined;
}

/** A send that took too long. */
export class SendTimeout extends Error {}

/** Why a send failed: because of a message of it, because of the topic, or because of the brokers. */
export type SendFailure =
  | 'too_large'
  | 'not_accepted'
  | 'topic_missing'
  | 'not_authorized'
  | 'brokers_away'
  | 'failing';

const FAILURES: readonly (readonly [SendFailure, RegExp])[] = [
  ['too_large', /^(MESSAGE_TOO_LARGE|RECORD_LIST_TOO_LARGE)$/],
  ['not_accepted', /^(INVALID_RECORD|INVALID_TIMESTAMP)$/],
  ['topic_missing', /^(UNKNOWN_TOPIC_OR_PARTITION|UNKNOWN_TOPIC_ID|INVALID_TOPIC_EXCEPTION)$/],
  ['not_authorized', /AUTHORIZATION_FAILED$/],
];

export function findSendFailure(error: unknown): SendFailure {
  for (const [failure, pattern] of FAILURES) {
    if (findIn(error, (one) => pattern.test(String((one as { apiId?: unknown }).apiId)), 0)) return failure;
  }
  if (isUnknownTopic(error)) return 'topic_missing';
  // A broker that answers is not away.
  if (findIn(error, (one) => typeof (one as { apiId?: unknown }).apiId === 'string', 0)) return 'failing';
  const isAway = (one: object) =>
    one instanceof SendTimeout ||
    /^PLT_KFK_(NETWORK|TIMEOUT|AUTHENTICATION)$/.test(String((one as { code?: unknown }).code));
  return findIn(error, isAway, 0) ? 'brokers_away' : 'failing';
}

/** Answers of a broker about a partition that concern its topic alone, and stay the same for a while. */
const OF_TOPIC = /^(TOPIC_AUTHORIZATION_FAILED|CORRUPT_MESSAGE|KAFKA_STORAGE_ERROR|UNSUPPORTED_COMPRESSION_TYPE)$/;
/** Codes of the errors of parsers. */
const OF_CONTENT = /^(OUT_OF_BOUNDS|ERR_OUT_OF_RANGE|ERR_BUFFER_.*|Z_.*|ZSTD_.*|PLT_KFK_UNSUPPORTED_COMPRESSION)$/;

/** Whether reading failed because of a topic, and would go on without it: the brokers can be used. */
export function isTopicFailure(error: unknown): boolean {
  const has = (matches: (one: { readonly [member: string]: unknown }) => boolean) =>
    findIn(error, (one) => matches(one as { readonly [member: string]: unknown }), 0) !== undefined;
  return (
    has(({ path, apiId }) => String(path).startsWith('/responses/') && OF_TOPIC.test(String(apiId))) ||
    has(({ code }) => OF_CONTENT.test(String(code))) ||
    has((one) => one instanceof RangeError)
  );
}

/** Whether a position is one that the partition does not have. */
export function isPositionLost(error: unknown): boolean {
  return hasApiError(error, 'OFFSET_OUT_OF_RANGE');
}

/** Returns why the brokers cannot be used, in a sentence without names, addresses and secrets. */
export function describeKafkaError(error: unknown): string {
  const has = (matches: (one: object) => boolean) => findIn(error, matches, 0) !== undefined;
  const hasCode = (code: string) => has((one) => (one as { code?: unknown }).code === code);
  if (hasCode('PLT_KFK_AUTHENTICATION')) return 'the brokers reject the login';
  if (has((one) => /AUTHORIZATION_FAILED/.test(String((one as { apiId?: unknown }).apiId))))
    return 'the login may not read a topic, or not use the group';
  if (
    has((one) =>
      /^(ERR_TLS|ERR_SSL|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO)/.test(String((one as { code?: unknown }).code)),
    )
  )
    return 'the certificate of a broker is not accepted';
  if (isPositionLost(error)) return 'a position is out of the range of its partition';
  const apiId = findIn(error, (one) => typeof (one as { apiId?: unknown }).apiId === 'string', 0);
  if (apiId) return `a broker answers ${(apiId as { apiId: string }).apiId}`;
  if (isTopicFailure(error)) return 'a message cannot be read';
  if (hasCode('PLT_KFK_NETWORK') || hasCode('PLT_KFK_TIMEOUT')) return 'the brokers cannot be reached';
  return 'reading failed';
}

const MAX_CAUSES = 12;

function findIn(error: unknown, matches: (one: object) => boolean, depth: number): object | undefined {
  if (typeof error !== 'object' || error === null || depth > MAX_CAUSES) return undefined;
  if (matches(error)) return error;
  const { errors, cause } = error as { readonly errors?: unknown; readonly cause?: unknown };
  for (const one of [...(Array.isArray(errors) ? errors : []), cause]) {
    const found = findIn(one, matches, depth + 1);
    if (found) return found;
  }
  return undefined;
}
