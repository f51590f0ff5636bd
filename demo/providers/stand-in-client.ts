import { GuardedClient, type GuardedRequest, type GuardedResponse } from '../../src/http-out/guarded-client.ts';
import type { StandIns } from './stand-ins.ts';

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

  override async send(text: string, { body = '' }: GuardedRequest): Promise<GuardedResponse> {
    const { hostname, pathname, search } = new URL(text);
    const path = hostname === '127.0.0.1' ? `${pathname}${search}` : text;
    const { status, headers = {}, body: answer = '' } = this.#standIns.answer(path, body.toString());
    return { status, headers, body: typeof answer === 'string' ? answer : JSON.stringify(answer) };
  }
}
