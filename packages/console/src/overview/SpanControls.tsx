import { type TimeSpan, useRoute } from '../route.ts';
import { t } from '../text/text.ts';

/** Shortest span that is zoomed into. */
const MIN_SPAN_MS = 10 * 60_000;
const MINUTE = 60_000;

interface SpanControlsProps {
  /** The span that is shown. */
  readonly span: TimeSpan;
  /** Returns the address of another span. */
  readonly toLink: (span: TimeSpan) => string;
}

/** Links to other spans of a chart: what dragging in it does, for the keyboard and for fingers. */
export function SpanControls({ span, toLink }: SpanControlsProps) {
  // The time that it is now counts as of the last change of the page.
  useRoute();
  const [since, until] = [Date.parse(span.since), Date.parse(span.until)];
  const now = Math.ceil(Date.now() / MINUTE) * MINUTE;
  const length = until - since;
  const middle = since + length / 2;
  const steps = [
    [t('Zoom in'), length > MIN_SPAN_MS ? [middle - length / 4, middle + length / 4] : null],
    [t('Zoom out'), [Math.min(middle, now - length) - length, Math.min(middle + length, now)]],
    [t('Earlier'), [since - length, since]],
    [t('Later'), until < now - MINUTE ? [Math.min(until, now - length), Math.min(until + length, now)] : null],
  ] as const;
  return (
    <nav className="filter" aria-label={t('Move the span')}>
      {steps.map(([label, times]) =>
        times === null ? (
          <span key={label} className="filter-off">
            {label}
          </span>
        ) : (
          <a key={label} href={toLink(toSpan(times[0], times[1]))}>
            {label}
          </a>
        ),
      )}
    </nav>
  );
}

/** Returns whole minutes, so that a link is short and stays the same for a while. */
function toSpan(from: number, to: number): TimeSpan {
  const text = (time: number) => new Date(Math.round(time / MINUTE) * MINUTE).toISOString();
  return { since: text(from), until: text(to) };
}
