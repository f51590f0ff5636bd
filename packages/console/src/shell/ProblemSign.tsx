import { linkToOverview } from '../route.ts';
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
        {count} <span className="problem-word">{count === 1 ? 'problem' : 'problems'}</span>
      </span>
    </a>
  );
}
