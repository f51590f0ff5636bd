import { LazyPlace, lazyPart } from './lazy-part.tsx';

/** Loaded where something fails, with the texts of failures. */
const FailureText = lazyPart(() => import('../dead-letters/FailureText.tsx'), 'FailureText');

/** Words of the API about a failure, as a part of a sentence in the language of the page. */
export function Cause({ words }: { words: string }) {
  return (
    <LazyPlace fallback={<span lang="en">{words}</span>}>
      <FailureText words={words} isInner />
    </LazyPlace>
  );
}
