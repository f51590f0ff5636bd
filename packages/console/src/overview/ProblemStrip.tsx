import { LazyPlace, lazyPart } from '../shell/lazy-part.tsx';
import { ProblemView } from '../shell/ProblemView.tsx';
import { useProblems } from '../shell/use-problems.ts';

/** Loaded when there is a problem. */
const ProblemList = lazyPart(() => import('./ProblemList.tsx'), 'ProblemList');

/** Problems of the present. Nothing without any; an error if they are not known. */
export function ProblemStrip() {
  const { data, error, refetch } = useProblems();
  if (error) return <ProblemView problem={error} retry={() => void refetch()} />;
  if (!data || data.problems.length === 0) return null;
  return (
    <LazyPlace>
      <ProblemList problems={data.problems} />
    </LazyPlace>
  );
}
