import { useRef } from 'react';

/** Returns a random idempotency key. (`randomUUID` exists in secure contexts only.) */
export function createKey(): string {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

/**
 * Returns the idempotency keys of requests: the same for one that is sent again, as after a failure, another one for one that
 * differs. `forget`: what is sent next has another key in any case.
 */
export function useRequestKey(): { readonly keyOf: (request: object) => string; readonly forget: () => void } {
  const last = useRef({ text: '', key: '' });
  return {
    keyOf(request) {
      const text = JSON.stringify(request);
      if (last.current.text !== text) last.current = { text, key: createKey() };
      return last.current.key;
    },
    forget() {
      last.current = { text: '', key: '' };
    },
  };
}
