/* Status messages: the result of an action, shown for some seconds and read by screen readers. They take no focus. */
import { useSyncExternalStore } from 'react';

interface Message {
  readonly id: number;
  readonly text: string;
}

const SHOWN_MS = 8000;
const MAX_MESSAGES = 3;

let messages: readonly Message[] = [];
let lastId = 0;
const listeners = new Set<() => void>();

/** Shows a message for SHOWN_MS; of more than MAX_MESSAGES, the latest. */
export function announce(text: string): void {
  const id = ++lastId;
  setMessages([...messages, { id, text }].slice(-MAX_MESSAGES));
  setTimeout(() => setMessages(messages.filter((one) => one.id !== id)), SHOWN_MS);
}

/** The messages that are shown now, at the bottom of the page. */
export function Announcements() {
  const shown = useSyncExternalStore(subscribe, () => messages);
  return (
    <div className="announcements" role="status" aria-live="polite" data-testid="announcements">
      {shown.map(({ id, text }) => (
        <p key={id} className="announcement break">
          {text}
        </p>
      ))}
    </div>
  );
}

function setMessages(next: readonly Message[]): void {
  messages = next;
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}
