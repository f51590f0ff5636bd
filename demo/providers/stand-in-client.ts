import { GuardedClient, type GuardedRequest, type GuardedResponse } from '../../src/http-out/guarded-client.ts';
import type { StandIns } from './stand-ins.ts';

/** Services by their host, under the paths that stand-ins know them by. */
const SERVICES: { readonly [host: string]: string } = {
  'api.sendgrid.com': '/sendgrid',
  'api.twilio.com': '/twilio',
  // For accounts of the installation, whose URLs have the path already.
  '127.0.0.1': '',
};

/** A client whose requests come to the stand-ins without a connection: nothing leaves this process. */
export class StandInClient extends GuardedClient {
  readonly #standIns: StandIns;

  constructor(standIns: StandIns) {
    super(() => true);
    this.#standIns = standIns;
  }

  override exempting(): GuardedClient {
    return this;
  }

  override async send(text: string, { headers: sent = {}, body = '' }: GuardedRequest): Promise<GuardedResponse> {
    const { hostname, pathname, search } = new URL(text);
    const service = SERVICES[hostname];
    const path = service === undefined ? text : `${service}${pathname}${search}`;
    const { status, headers = {}, body: answer = '' } = this.#standIns.answer(path, body.toString(), sent);
    return { status, headers, body: typeof answer === 'string' ? answer : JSON.stringify(answer) };
  }
}
