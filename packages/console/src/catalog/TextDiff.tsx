import { Text } from '@mantine/core';
import { useMemo } from 'react';
import { diffText, type Run } from '../rules/word-diff.ts';
import { t } from '../text/text.ts';

interface TextDiffProps {
  readonly name: string;
  /** Name of the text on the page, which no other one has; absent: the same. */
  readonly label?: string;
  readonly before: string;
  readonly after: string;
}

/** Lines of a text that differ, with the words that do. */
export function TextDiff({ name, label = name, before, after }: TextDiffProps) {
  const lines = useMemo(() => diffText(before, after), [before, after]);
  return (
    <div data-testid="text-diff">
      <Text size="sm" className="name">
        {name}
      </Text>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by the keyboard */}
      <section className="patch words" tabIndex={0} aria-label={t('Changed lines of {name}', { name: label })}>
        {lines.map((line, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: lines have no other identity
          <div key={index} data-sign={line?.sign ?? 'none'}>
            {line === null ? '⋯' : <Runs runs={line.runs} />}
          </div>
        ))}
      </section>
    </div>
  );
}

/** Runs of words: those that only one text has are marked. */
export function Runs({ runs }: { runs: readonly Run[] }) {
  return runs.map(({ sign, text }, index) => {
    const key = `${index} ${sign}`;
    if (sign === '-') return <del key={key}>{text}</del>;
    return sign === '+' ? <ins key={key}>{text}</ins> : <span key={key}>{text}</span>;
  });
}
