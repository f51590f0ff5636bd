import { CodeText } from '../shell/CodeText.tsx';
import { Time } from '../shell/Time.tsx';
import { useFailureWords } from './failure-words.ts';

interface FailureTextProps {
  /** As the API says it. */
  readonly words: string;
  /** True as a part of a sentence: without a period at its end. */
  readonly isInner?: boolean;
}

const TIME = /(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z)/;

/** A reason or meaning in the language of the page, its times in the zone of the page; without a text it is English. */
export function FailureText({ words, isInner = false }: FailureTextProps) {
  const known = useFailureWords().toReason(words);
  const text = known ?? words;
  const parts = (isInner ? text.replace(/\.$/, '') : text).split(TIME).map(
    (part, index) =>
      // biome-ignore-start lint/suspicious/noArrayIndexKey: the parts of a text do not move.
      index % 2 === 1 ? <Time key={index} value={part} as="full" /> : <CodeText key={index} text={part} />,
    // biome-ignore-end lint/suspicious/noArrayIndexKey: the parts of a text do not move.
  );
  return known === undefined ? <span lang="en">{parts}</span> : parts;
}
