/** Returns a random idempotency key. (`randomUUID` exists in secure contexts only.) */
export function createKey(): string {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}
