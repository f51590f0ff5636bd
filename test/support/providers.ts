import type { Outgoing, Provider } from '../../src/channels/provider.ts';
import type { SendOutcome } from '../../src/model/delivery.ts';

export const DELIVERED: SendOutcome = { kind: 'sent' };

export interface FakeProvider extends Provider {
  /** Its calls, in order. */
  readonly calls: Outgoing[];
}

export type Answer = (outgoing: Outgoing, signal: AbortSignal) => SendOutcome | Promise<SendOutcome>;

/** A provider whose outcomes are set by the test. By default it delivers at once. */
export function fakeProvider(answer: Answer = () => DELIVERED, more: Partial<Provider> = {}): FakeProvider {
  const calls: Outgoing[] = [];
  return {
    name: 'fake',
    channels: [],
    concurrency: 100,
    keepsMessage: false,
    async send(outgoing, signal) {
      calls.push(outgoing);
      return answer(outgoing, signal);
    },
    close: async () => {},
    ...more,
    calls,
  };
}

/** A provider that answers no call before `open`. */
export function gatedProvider(more: Partial<Provider> = {}): { provider: FakeProvider; open: () => void } {
  let open = () => {};
  const opened = new Promise<SendOutcome>((resolve) => {
    open = () => resolve(DELIVERED);
  });
  return { provider: fakeProvider(() => opened, more), open };
}
