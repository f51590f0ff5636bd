/**
 * How far down one was at each entry of the history. The browser would restore that before the page is drawn that is
 * gone back to, and so against the height of another one.
 */
const positions = new Map<number, number>();
let here = 0;

history.scrollRestoration = 'manual';
addEventListener('scroll', () => positions.set(here, scrollY), { passive: true });

/** Call it once the address has changed. Where one was, if one has been here before; undefined: the entry is new. */
export function enterHistoryEntry(): number | undefined {
  const known = (history.state as { entry?: number } | null)?.entry;
  here = known ?? Date.now();
  if (known === undefined) history.replaceState({ entry: here }, '');
  return known === undefined ? undefined : (positions.get(known) ?? 0);
}
