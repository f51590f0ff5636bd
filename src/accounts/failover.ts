import { TidingsError } from '../errors.ts';
import type { Account } from '../store/accounts.ts';

/* Failover by hand: the messages of an account go by another one until that is undone. */

type Part = Pick<Account, 'account' | 'channels' | 'enabled' | 'failoverTo'>;

/** Returns the account whose messages go by this one; undefined: no other account fails over to it. */
export function findSource(account: string, others: readonly Part[]): Part | undefined {
  return others.find(({ failoverTo }) => failoverTo === account);
}

/** Says that messages of another account go by one that is to end. */
export function describeSource({ account }: Pick<Part, 'account'>): string {
  return `The messages of ${account} go by this account; end the failover of ${account} first.`;
}

/**
 * Checks that the messages of an account have an account to go by, as it is to be. An account that others fail over to stays in
 * use, with their channels, and does not fail over itself: there are no chains.
 * @throws TidingsError `invalid_account`
 */
export function checkFailover(wanted: Part, others: readonly Part[]): void {
  const source = findSource(wanted.account, others);
  if (source) {
    if (!wanted.enabled) throw invalid('/enabled', describeSource(source));
    if (wanted.failoverTo !== null) throw invalid('/failover_to', describeSource(source));
    if (!hasChannels(wanted, source)) throw invalid('/channels', describeSource(source));
  }
  if (wanted.failoverTo === null) return;
  const target = others.find(({ account }) => account === wanted.failoverTo);
  if (!target) throw invalid('/failover_to', 'This tenant has no other account of this name; write one that it has.');
  if (!target.enabled)
    throw invalid('/failover_to', `${target.account} is disabled; enable it first, or write another.`);
  if (target.failoverTo !== null) {
    const message = `${target.account} fails over to ${target.failoverTo} itself; write that one, or end its failover first.`;
    throw invalid('/failover_to', message);
  }
  if (!hasChannels(target, wanted)) {
    const missing = wanted.channels.filter((channel) => !target.channels.includes(channel)).join(', ');
    throw invalid('/failover_to', `${target.account} is not for ${missing}; write an account with the same channels.`);
  }
}

function hasChannels({ channels }: Part, { channels: needed }: Part): boolean {
  return needed.every((channel) => channels.includes(channel));
}

function invalid(pointer: string, message: string): TidingsError {
  return new TidingsError('invalid_account', message, { errors: [{ pointer, message }] });
}
