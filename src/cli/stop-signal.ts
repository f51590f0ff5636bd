import { constants } from 'node:os';

const SIGNALS = ['SIGINT', 'SIGTERM'] as const;

/**
 * Runs work that Ctrl-C and SIGTERM stop through its signal: it leaves nothing half done, and ends what it started. A second one
 * ends the process at once.
 */
export async function runStoppable(work: (signal: AbortSignal) => Promise<void>): Promise<void> {
  const stopping = new AbortController();
  const stop = (signal: NodeJS.Signals) => {
    if (stopping.signal.aborted) process.exit(1);
    process.exitCode = 128 + constants.signals[signal];
    stopping.abort();
  };
  for (const signal of SIGNALS) process.on(signal, stop);
  try {
    await work(stopping.signal);
    // It was complete before the signal took effect.
    process.exitCode = 0;
  } catch (error) {
    if (!stopping.signal.aborted) throw error;
    console.error('tidings: stopped; nothing was changed');
  } finally {
    for (const signal of SIGNALS) process.off(signal, stop);
  }
}
