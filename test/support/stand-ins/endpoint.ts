import { webhook } from '../../../src/channels/webhook/webhook.ts';
import { GuardedClient } from '../../../src/http-out/guarded-client.ts';
import { never, outgoing, type Subject } from '../channel-contract.ts';
import { type StandIn, startStandIn } from './http-stand-in.ts';

/** A secret of HMAC and a key pair of Ed25519, as Standard Webhooks publishes them for tests. */
export const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
export const KEY_PAIR = 'whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg==';

type Message = Parameters<typeof outgoing>[0];
type Provider = Subject['provider'];
type EndpointTarget = NonNullable<NonNullable<Message>['target']>;

/** An endpoint of a customer, and the provider that sends to it. */
export interface Endpoint {
  readonly standIn: StandIn;
  readonly provider: Provider;
  readonly target: EndpointTarget;
  send(more?: Message, target?: object): ReturnType<Provider['send']>;
  stop(): Promise<void>;
}

export async function startEndpoint(clock: () => number = Date.now): Promise<Endpoint> {
  const standIn = await startStandIn({ status: 204 });
  const http = new GuardedClient(({ hostname }) => hostname === '127.0.0.1', 100);
  const provider = await webhook.open({}, { http, clock });
  const target = {
    kind: 'endpoint' as const,
    url: `${standIn.url}/hooks/t0ken-of-a-receiver`,
    headers: {},
    secrets: [SECRET],
  };
  return {
    standIn,
    provider,
    target,
    send: (more = {}, other = {}) =>
      provider.send(outgoing({ channel: 'webhook', target: { ...target, ...other }, ...more }), never()),
    async stop() {
      await http.close();
      await standIn.stop();
    },
  };
}
