import { TidingsError } from '../errors.ts';
import type { StoredVersion } from '../model/catalog.ts';
import type { Channel } from '../model/delivery.ts';
import type { TestData } from '../model/direct.ts';
import type { JsonObject, Millis } from '../model/event.ts';
import { toNormalAddress } from '../privacy/normal-address.ts';
import { findUserAddress, toAddressId } from '../store/user-addresses.ts';
import { loadProfile } from '../store/users.ts';
import { isoTime } from '../time/iso-time.ts';
import { checkRequest } from './check-request.ts';
import { ingestOnce } from './ingest-once.ts';
import type { Recipient } from './request.ts';
import { buildRequestedEvent } from './requested-event.ts';
import { type ResolvedRecipient, resolveRecipients } from './resolve-recipients.ts';
import { type Asker, findCatalog, type SendParts } from './send-notifications.ts';
import { type SendResult, toSendResult } from './send-result.ts';

/** Time in ms after which a test is of no use: what is held for longer is not sent. */
const TEST_EXPIRES_MS: Millis = 3_600_000;

/** Contents of the messages of a test. */
export interface TestContent {
  readonly shown: TestData;
  /** Values of the top level of the templates. */
  readonly variables: JsonObject;
}

export interface TestRequest {
  readonly type: string;
  readonly recipient: Recipient;
  /** Absent: all channels of the type. */
  readonly channels: readonly Channel[] | undefined;
  /** Absent: that of the user. */
  readonly locale: string | undefined;
  /** A version of a template of the API, a draft too; absent: the active templates. */
  readonly template: StoredVersion | undefined;
  /** Returns what it shows, for the time of the request: the same for the same time. */
  readonly getContent: (now: Millis) => TestContent;
}

/** A test that was asked for. */
export interface TestAnswer {
  readonly request_id: string;
  readonly result: SendResult;
}

/**
 * Sends a notification as a test, by the path of every other one: the built-in rule `@test` decides, the plan is asked, and a
 * worker sends it. It takes no place under caps, joins no digest, and is in no test of variants.
 * @throws TidingsError `unknown_type`, `invalid_notification`, `not_found` for a user who is not known
 */
export async function sendTest(parts: SendParts, asker: Asker, test: TestRequest): Promise<TestAnswer> {
  const { pool, seal, clock } = parts;
  const { tenantId, scopes, operationId, actor } = asker;
  const now = clock();
  const { type: name, channels, locale, template, getContent } = test;
  const catalog = await findCatalog(parts.catalogs, tenantId, name);
  const type = checkRequest({ type: name, recipients: [], ...(channels && { channels }) }, catalog, scopes, now, true);
  const recipient = await findRecipient(parts, tenantId, test.recipient);
  const requestId = `req_${operationId}`;
  const toItem = (time: Millis) => {
    const { shown, variables } = getContent(time);
    const request = {
      type: name,
      variables,
      expires_at: isoTime(time + TEST_EXPIRES_MS),
      ...(channels && { channels }),
    };
    const base = { request, scheduledAt: undefined, requestId, actor };
    const part = { shown, ...(template && { template }), ...(locale !== undefined && { locale }) };
    const eventId = `test:${seal.sign(`test ${operationId}\n${recipient.name}`)}`;
    return buildRequestedEvent({ ...base, test: part }, { userId: recipient.userId, eventId, time });
  };
  const [result] = await ingestOnce({ pipeline: parts.pipeline, pool }, tenantId, [0], (_place, stored) =>
    toItem(stored?.time ?? now),
  );
  if (!result) throw new Error('a test has no result');
  const asked = { request: { type: name, recipients: [], ...(channels && { channels }) }, type, now, isDryRun: false };
  return { request_id: requestId, result: toSendResult(test.recipient, recipient, result, asked) };
}

/** @throws TidingsError unless it is a known user, or an address that a user has verified and that receives */
async function findRecipient(
  { pool, seal }: SendParts,
  tenantId: string,
  given: Recipient,
): Promise<ResolvedRecipient> {
  const [found] = await resolveRecipients(pool, seal, tenantId, [given]);
  if (!found || 'code' in found) {
    throw new TidingsError(
      'invalid_notification',
      `${found?.message ?? 'There is no recipient'}.`.replace(/\.\.$/, '.'),
      { pointer: '/to' },
    );
  }
  const { userId, isLinked, given: address } = found;
  if (address === undefined) {
    if (await loadProfile(pool, tenantId, userId)) return found;
    throw new TidingsError('not_found', 'There is no such user.', { pointer: '/user_id' });
  }
  const { kind } = address;
  const id = toAddressId(tenantId, userId, kind, seal.hash(toNormalAddress(kind, address.address)));
  const known = isLinked ? (await findUserAddress(pool, tenantId, userId, id))?.view : undefined;
  if (known && known.verified_at !== null && known.primary) return found;
  const why = !known
    ? 'no user has this address'
    : known.verified_at === null
      ? 'its user has not verified it'
      : 'it is not the address of its user that receives';
  throw new TidingsError('invalid_notification', `A test goes to users and verified addresses only: ${why}.`, {
    pointer: '/to',
  });
}
