import { type PointerEvent, useState } from 'react';

/** Pixels after which a press is a drag, and no click. */
const MIN_DRAG = 6;

/** Part of a chart that is dragged over, in pixels of its drawing from the left. */
export interface Brush {
  readonly start: number;
  readonly end: number;
}

/**
 * Lets a part of a drawing be chosen by dragging with a mouse or pen; a finger scrolls. A press that does not move stays a click.
 * @param onChoose gets the part, at the release; undefined: nothing can be chosen
 * @param width of the drawing in its own units
 */
export function useBrush(onChoose: ((chosen: Brush) => void) | undefined, width: number) {
  const [pressed, setPressed] = useState<number | null>(null);
  const [moved, setMoved] = useState<number | null>(null);
  const toX = ({ currentTarget, clientX }: PointerEvent<SVGSVGElement>) => {
    const box = currentTarget.getBoundingClientRect();
    return Math.min(width, Math.max(0, ((clientX - box.left) * width) / box.width));
  };
  const end = () => {
    setPressed(null);
    setMoved(null);
  };
  const brush: Brush | null =
    pressed === null || moved === null ? null : { start: Math.min(pressed, moved), end: Math.max(pressed, moved) };
  const handlers =
    onChoose === undefined
      ? {}
      : {
          onPointerDown: (event: PointerEvent<SVGSVGElement>) => {
            if (event.button === 0 && event.pointerType !== 'touch') setPressed(toX(event));
          },
          onPointerMove: (event: PointerEvent<SVGSVGElement>) => {
            if (pressed === null) return;
            const x = toX(event);
            if (moved === null && Math.abs(x - pressed) < MIN_DRAG) return;
            // Not before: the click would be one on the drawing as a whole.
            if (moved === null) event.currentTarget.setPointerCapture(event.pointerId);
            setMoved(x);
          },
          onPointerUp: () => {
            if (brush) onChoose(brush);
            end();
          },
          onPointerCancel: end,
        };
  return { brush, handlers };
}
