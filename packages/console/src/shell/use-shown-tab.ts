import { type RefObject, useEffect, useRef } from 'react';

/** Moves the current link of a row of tabs into view, where a narrow screen does not show all. Set the ref on the row. */
export function useShownTab(current: string): RefObject<HTMLElement | null> {
  const nav = useRef<HTMLElement>(null);
  // biome-ignore lint/correctness/useExhaustiveDependencies: another tab is current
  useEffect(() => {
    const link = nav.current?.querySelector<HTMLElement>('[aria-current]');
    if (nav.current && link) nav.current.scrollLeft = link.offsetLeft - nav.current.offsetLeft - 48;
  }, [current]);
  return nav;
}
