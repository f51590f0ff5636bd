import { http } from '../../../src/channels/http/http.ts';
import type { Outgoing } from '../../../src/channels/provider.ts';
import { GuardedClient } from '../../../src/http-out/guarded-client.ts';
import type { SendOutcome } from '../../../src/model/delivery.ts';
import { never, outgoing } from '../channel-contract.ts';
import { type SeenRequest, type StandInReply, startStandIn } from './http-stand-in.ts';

export interface CarrierSend {
  readonly outcome: SendOutcome;
  readonly requests: readonly SeenRequest[];
  /** The first one. */
  readonly request: SeenRequest;
}

/**
 * Sends once by the generic provider, with the settings of an account for the real carrier: a stand-in answers at its place, and at
 * that of the URL of a chat, of which it keeps the path.
 */
export async function openAtStandIn(
  settings: { readonly url: string; readonly [name: string]: unknown },
  more: Partial<Outgoing>,
  reply: StandInReply = { body: { id: 'm-1' } },
): Promise<CarrierSend> {
  const standIn = await startStandIn(reply);
  const client = new GuardedClient(({ hostname }) => hostname === '127.0.0.1');
  const local = (url: string) => url.replace(/^https:\/\/[^/]+/, standIn.url);
  const { chat_url: chatUrl } = settings;
  const parsed = http.settings.parse({
    ...settings,
    url: local(settings.url),
    ...(typeof chatUrl === 'string' && { chat_url: local(chatUrl) }),
  });
  const provider = await http.open(parsed, { http: client, clock: Date.now });
  const { target } = outgoing(more);
  const at = target.kind === 'chat' && target.url !== undefined ? { ...target, url: local(target.url) } : target;
  const outcome = await provider.send(outgoing({ ...more, target: at }), never());
  await provider.close();
  await client.close();
  await standIn.stop();
  return { outcome, requests: standIn.requests, request: standIn.requests[0]! };
}
