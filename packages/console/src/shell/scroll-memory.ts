/**
 * Scroll position in pixels by history entry. The browser would restore it before the target page is rendered, and so
 * against the height of the page that is left.
 */
const positions = new Map<number, number>();
let here = 0;

history.scrollRestoration = 'manual';
addEventListener('scroll', () => positions.set(here, scrollY), { passive: true });

/**
 * Switches to the current history entry and returns its stored scroll position in pixels; undefined for a new entry.
 * Call it after each URL change.
 */
export function enterHistoryEntry(): number | undefined {
  const known = getEntry();
  here = known ?? Date.now();
  if (known === undefined) history.replaceState({ entry: here }, '');
  return known === undefined ? undefined : (positions.get(known) ?? 0);
}

/** Whether the page of this address may be drawn later: there is no scroll position to restore on it. */
export const isNewEntry = (): boolean => getEntry() === undefined;

const getEntry = (): number | undefined => (history.state as { entry?: number } | null)?.entry;
