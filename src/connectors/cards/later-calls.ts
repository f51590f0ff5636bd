import type { GuardedClient } from '../../http-out/guarded-client.ts';
import type { CardCall, CardRegistration } from '../../model/connector.ts';
import type { Json, JsonObject, Millis } from '../../model/event.ts';
import type { Secrets } from '../../store/connectors/secrets.ts';
import { CallFailure } from '../call-failure.ts';
import { callService, toAuthHeaders } from '../call-service.ts';
import { toCredentials } from './ask-network.ts';

/** The result of a later call. */
export interface CardCallResult {
  readonly outcome: 'answered' | 'failed';
  /** Answer of the network, without card numbers; null: it failed. */
  readonly answer: JsonObject | null;
  readonly code: string | null;
  readonly reason: string | null;
}

/** Digits that may be a card number, in a row or in groups: all but the last four. */
const CARD_NUMBER = /\d(?:[ -]?\d){7,14}(?=[ -]?\d(?:[ -]?\d){3}(?![ -]?\d))/g;

/**
 * Makes a call that names the subscriber: get_card_list or set_card_policy. Where Tidings talks to the network itself, it names
 * itself as in a registration. Numbers in the answer are shortened to their last four digits.
 */
export async function callCardNetwork(
  client: GuardedClient,
  connector: CardRegistration,
  call: CardCall,
  {
    secrets,
    subscriber,
    body,
    now,
  }: {
    readonly secrets: Secrets;
    readonly subscriber: string;
    readonly body: JsonObject;
    readonly now: Millis;
  },
): Promise<CardCallResult> {
  try {
    const isDirect = connector.network !== undefined && connector.network.gateway === undefined;
    const credentials = isDirect ? toCredentials(secrets) : undefined;
    const answer = await callService(client, {
      url: (connector.network?.gateway?.url ?? connector.url) + connector.calls[call],
      headers: credentials?.headers ?? (await toAuthHeaders(connector.auth, secrets, now)),
      body: { ...body, ...credentials?.tokens, [connector.subscriberField]: subscriber },
      timeout: connector.timeout,
      signal: AbortSignal.timeout(connector.timeout),
    });
    return { outcome: 'answered', answer: shorten(answer) as JsonObject, code: null, reason: null };
  } catch (error) {
    if (!(error instanceof CallFailure)) throw error;
    return { outcome: 'failed', answer: null, code: error.code, reason: error.message };
  }
}

function shorten(value: Json): Json {
  if (typeof value === 'string') return value.replace(CARD_NUMBER, '…');
  if (typeof value === 'number') return Math.abs(value) < 1e11 ? value : String(value).replace(CARD_NUMBER, '…');
  if (Array.isArray(value)) return value.map(shorten);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name.replace(CARD_NUMBER, '…'), shorten(one)]));
}
