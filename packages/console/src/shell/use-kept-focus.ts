import { type RefObject, useEffect, useRef } from 'react';
import { focusHeading } from './page-change.ts';

interface Place {
  readonly element: Element;
  /** Index of its row. */
  readonly row: number;
  readonly action: string | undefined;
}

/**
 * Keeps the place of the keyboard in a list whose rows and buttons go away when they are acted on: if the focused element is
 * removed, focuses the same button of the row that is now at its place, another control of that row, or, if the list is
 * empty, the heading. Rows have the attribute `data-row`, and buttons `data-action`. Set the ref on an element that stays.
 */
export function useKeptFocus(): RefObject<HTMLDivElement | null> {
  const container = useRef<HTMLDivElement>(null);
  const place = useRef<Place>(null);
  useEffect(() => {
    const root = container.current;
    if (root === null) return;
    const remember = ({ target }: FocusEvent) => {
      if (!(target instanceof Element)) return;
      const row = target.closest('[data-row]');
      if (row !== null && root.contains(row)) {
        const action = target.closest<HTMLElement>('[data-action]')?.dataset.action;
        place.current = { element: target, row: getRows(root).indexOf(row), action };
        // A dialog of the row is elsewhere in the document, and returns the focus to the row.
      } else if (target.closest('[role="dialog"]') === null) place.current = null;
    };
    const restore = () => {
      const left = place.current;
      if (left === null || left.element.isConnected || document.activeElement !== document.body) return;
      place.current = null;
      focusRow(getRows(root), left);
    };
    const observer = new MutationObserver(restore);
    // The whole page: a dialog that closes may leave the focus nowhere.
    observer.observe(document.body, { childList: true, subtree: true });
    document.addEventListener('focusin', remember);
    return () => {
      observer.disconnect();
      document.removeEventListener('focusin', remember);
    };
  }, []);
  return container;
}

function getRows(root: Element): Element[] {
  return [...root.querySelectorAll('[data-row]')];
}

function focusRow(rows: readonly Element[], { row, action }: Place): void {
  const at = rows[Math.min(row, rows.length - 1)];
  const same = action === undefined ? null : at?.querySelector<HTMLElement>(`[data-action="${action}"]`);
  const control = same ?? at?.querySelector<HTMLElement>('button, a[href]');
  if (control) control.focus({ preventScroll: true });
  else focusHeading();
}
