import { linkToOverview } from '../route.ts';
import { T } from '../text/T.tsx';
import { IconAlert } from './icons.tsx';
import { useProblems } from './use-problems.ts';

/** Number of present problems, on every page. Nothing without any. */
export function ProblemSign() {
  const { data } = useProblems();
  const count = data?.problems.length ?? 0;
  if (count === 0) return null;
  return (
    <a href={linkToOverview()} className="problem-sign" data-testid="problem-sign">
      <IconAlert size={16} />
      <span>
        <T
          text="{count, plural, one {# <word>problem</word>} other {# <word>problems</word>}}"
          values={{ count, word: (word) => <span className="problem-word">{word}</span> }}
        />
      </span>
    </a>
  );
}
