import type { Digest, Rule } from '../../../../src/model/catalog.ts';
import { t } from '../text/text.ts';
import { formatDuration } from './duration.ts';

/** Returns a quiet period in words. Its `text` is English where it has an end. */
export function formatDebounce({ quiet, atMost }: NonNullable<Rule['debounce']>): string {
  const time = formatDuration(quiet);
  return atMost === undefined
    ? t('quiet for {time}', { time })
    : t('quiet for {time}, at most {most}', { time, most: formatDuration(atMost) });
}

/** Returns a digest in words. */
export function formatDigest({ window, firstNow, keep }: Digest): string {
  const isSliding = window.kind === 'sliding';
  return t(
    '{kind, select, sliding {quiet for {window}, at most {most}} calendar {at {window}} other {{window}}}{firstNow, select, true {, the first now} other {}}, keep {keep}',
    {
      kind: window.kind,
      window: isSliding ? formatDuration(window.span) : window.text,
      most: isSliding && formatDuration(window.atMost),
      firstNow,
      keep,
    },
  );
}
