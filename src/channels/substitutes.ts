import type { Channel } from '../model/delivery.ts';
import { inboxProvider, type StoreInInbox } from './in-app/inbox.ts';
import { logProvider } from './internal/log.ts';
import { noopProvider } from './noop.ts';
import type { Provider } from './provider.ts';
import { sandboxProvider } from './sandbox.ts';
import { lazyWebhooks } from './webhook/lazy-webhooks.ts';

/** A provider that needs no account. Most stand in for one with an account: their messages leave this machine by no channel. */
export interface Substitute {
  /**
   * @param log writes a line of the log
   * @param store puts a message into the inbox of its user; absent: nothing is sent by this process
   */
  open(channels: readonly Channel[], log: (line: object) => void, store?: StoreInInbox): Provider;
  /** The predicate of a sentence whose subject is one channel, and one whose subject are several. */
  readonly one: string;
  readonly several: string;
  /** Whether its messages leave this machine: they go to endpoints of tenants. */
  readonly leaves?: boolean;
}

/** All substitutes by name, in the order in which a start lists them. */
export const SUBSTITUTES: { readonly [name: string]: Substitute } = {
  webhook: {
    open: () => lazyWebhooks(() => Date.now()),
    one: 'goes to its endpoints',
    several: 'go to their endpoints',
    leaves: true,
  },
  sandbox: { open: sandboxProvider, one: 'stays in the sandbox', several: 'stay in the sandbox' },
  inbox: {
    open: (channels, _log, store) => (store ? inboxProvider(store) : sandboxProvider(channels)),
    one: 'goes to the inbox of the user',
    several: 'go to the inbox of the user',
  },
  log: { open: logProvider, one: 'goes to the log', several: 'go to the log' },
  noop: { open: noopProvider, one: 'is discarded', several: 'are discarded' },
};

/** The substitute of a channel for which nothing is configured. */
export const DEFAULT_SUBSTITUTE = 'sandbox';
