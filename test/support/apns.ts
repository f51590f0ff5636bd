import { apns } from '../../src/channels/push/apns.ts';
import { GuardedClient } from '../../src/http-out/guarded-client.ts';
import { never, outgoing } from './channel-contract.ts';
import { APNS_DEVICE, acceptApns, apnsSettings } from './stand-ins/apns.ts';
import { type Http2StandIn, startHttp2StandIn } from './stand-ins/http2-stand-in.ts';

export type ApnsTrial = Awaited<ReturnType<typeof startApns>>;

/** Starts a stand-in of APNs and opens an account with it. */
export async function startApns(options: Parameters<typeof startHttp2StandIn>[1] = {}) {
  const standIn: Http2StandIn = await startHttp2StandIn(acceptApns, options);
  let now = Date.now();
  const http = new GuardedClient(({ hostname }) => hostname === '127.0.0.1');
  const settings = apns.settings.parse(apnsSettings(standIn.url));
  const provider = await apns.open(settings, { http, clock: () => now });
  return {
    standIn,
    provider,
    pass: (millis: number) => {
      now += millis;
    },
    send: (more: Parameters<typeof outgoing>[0] = {}, signal = never()) =>
      provider.send(
        outgoing({ channel: 'push', target: APNS_DEVICE, message: { title: 'Booked', text: 'At 9' }, ...more }),
        signal,
      ),
    async stop() {
      await provider.close();
      await http.close();
      await standIn.stop();
    },
  };
}
