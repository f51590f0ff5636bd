import { useSyncExternalStore } from 'react';

/** Time in ms from the first failure on after which the server counts as lost. */
const PATIENCE_MS = 20_000;

let reachedAt = Date.now();
/** First failure since it was reached; null: nothing failed. */
let failingSince: number | null = null;
let lostSince: number | null = null;
const listeners = new Set<() => void>();

/** Records when the server was reached last, and when a request last got no response; 0: never. */
export function reportServer(reached: number, failed: number): void {
  reachedAt = Math.max(reachedAt, reached);
  if (failed <= reachedAt) failingSince = null;
  else failingSince ??= Date.now();
  const isLost = failingSince !== null && Date.now() - failingSince >= PATIENCE_MS;
  setLostSince(isLost ? reachedAt : null);
}

/** Begins anew after the page was hidden: a network that comes back with it is not lost. A server that was lost stays so. */
export function forgetFailures(): void {
  if (lostSince === null) failingSince = null;
}

/** Returns the time in ms at which the server was reached last; null: it is there. */
export function useLostSince(): number | null {
  return useSyncExternalStore(subscribe, () => lostSince);
}

function setLostSince(since: number | null): void {
  if (since === lostSince) return;
  lostSince = since;
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}
