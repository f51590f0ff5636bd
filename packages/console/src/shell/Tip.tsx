import { type ReactNode, useId, useLayoutEffect, useRef, useState } from 'react';

/** Space between a tip and the edge of the window, in pixels. */
const MARGIN = 8;

interface TipProps {
  readonly text: string;
  /** Side at which it is shown; below: above without space there. */
  readonly side?: 'below' | 'right';
  /** Element that the tip is about, which can have the focus. */
  readonly children: ReactNode;
}

/** Shows a text beside an element while it is pointed at or has the focus; Escape hides it. */
export function Tip({ text, side = 'below', children }: TipProps) {
  const [isShown, setShown] = useState(false);
  const anchor = useRef<HTMLSpanElement>(null);
  const tip = useRef<HTMLSpanElement>(null);
  const id = useId();
  useLayoutEffect(() => {
    if (isShown && anchor.current && tip.current) place(tip.current, anchor.current, side);
  }, [isShown, side]);
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: the element inside has the focus, the tip only follows it.
    <span
      ref={anchor}
      className="tip-anchor"
      onMouseEnter={() => setShown(true)}
      onMouseLeave={() => setShown(false)}
      onFocus={() => setShown(true)}
      onBlur={() => setShown(false)}
      onKeyDown={({ key }) => key === 'Escape' && setShown(false)}
    >
      {children}
      {isShown && (
        <span ref={tip} id={id} role="tooltip" className="tip">
          {text}
        </span>
      )}
    </span>
  );
}

/** Places a tip at a side of its anchor, within the window. */
function place(tip: HTMLElement, anchor: HTMLElement, side: 'below' | 'right'): void {
  const around = anchor.getBoundingClientRect();
  const { width, height } = tip.getBoundingClientRect();
  if (side === 'right') {
    tip.style.left = `${around.right + MARGIN}px`;
    tip.style.top = `${around.top + (around.height - height) / 2}px`;
    return;
  }
  const left = Math.min(around.left, document.documentElement.clientWidth - width - MARGIN);
  const below = around.bottom + height < window.innerHeight;
  tip.style.left = `${Math.max(MARGIN, left)}px`;
  tip.style.top = `${below ? around.bottom : around.top - height}px`;
}
