import { buildHeaders } from '../api/call.ts';
import { getApiKey, reportRejectedKey } from '../key.ts';

/** Events of a stream of changes. */
export interface ChangeEvents {
  onReady(topics: readonly string[]): void;
  onChanged(topics: readonly string[]): void;
  onId(id: string): void;
  /** There was no response, or the stream ended by no wish of the reader. */
  onUnreachable(): void;
}

/** The server sends something every 15 seconds. */
const MAX_SILENCE_MS = 45_000;
/** Pauses in ms before it is read again: after its end, where there is no room, and where it is not allowed. */
const PAUSE_MS = 3000;
const FULL_MS = 60_000;
const CLOSED_MS = 600_000;

/**
 * Reads the stream of changes until it ends, or the signal is aborted. By fetch, not by EventSource, which cannot send a key.
 * Returns a pause in ms after which it may be read again.
 */
export async function readChanges(
  lastEventId: string | undefined,
  events: ChangeEvents,
  signal: AbortSignal,
): Promise<number> {
  const silence = new AbortController();
  let timer = setTimeout(() => silence.abort(), MAX_SILENCE_MS);
  const abort = () => silence.abort();
  signal.addEventListener('abort', abort);
  try {
    const key = getApiKey();
    const response = await fetch('/api/v1/stream', {
      headers: buildHeaders({
        accept: 'text/event-stream',
        ...(lastEventId === undefined ? {} : { 'last-event-id': lastEventId }),
      }),
      signal: silence.signal,
    });
    if (!response.ok || response.body === null) {
      void response.body?.cancel();
      if (response.status === 401) reportRejectedKey(key);
      if (response.status === 429) return FULL_MS;
      if (response.status >= 500) events.onUnreachable();
      return response.status < 500 ? CLOSED_MS : PAUSE_MS;
    }
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = '';
    for (;;) {
      const { done, value } = await reader.read();
      // The readers of a server that ends do not all come back at once.
      if (done) return PAUSE_MS * (1 + Math.random());
      clearTimeout(timer);
      timer = setTimeout(abort, MAX_SILENCE_MS);
      const blocks = (rest + value).split('\n\n');
      rest = blocks.pop() ?? '';
      for (const block of blocks) take(block, events);
    }
  } catch {
    if (!signal.aborted) events.onUnreachable();
    return PAUSE_MS * (1 + Math.random());
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', abort);
    silence.abort();
  }
}

/** Reads one block of lines. */
function take(block: string, { onReady, onChanged, onId }: ChangeEvents): void {
  const fields = new Map(block.split('\n').map((line) => line.split(/: (.*)/s).slice(0, 2) as [string, string]));
  const event = fields.get('event');
  if (event !== 'ready' && event !== 'changed') return;
  const { topics } = JSON.parse(fields.get('data') ?? '{}') as { topics: readonly string[] };
  if (event === 'ready') onReady(topics);
  else onChanged(topics);
  onId(fields.get('id') ?? '');
}
