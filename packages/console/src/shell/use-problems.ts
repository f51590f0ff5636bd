import { useQuery } from '@tanstack/react-query';
import { getProblems } from '../api/overview.ts';
import { useScopes } from './use-scopes.ts';

const PROBLEMS_MS = 15_000;

/** Returns what is wrong at present; for those who may see it. One request for all that show it, and none of a hidden tab. */
export function useProblems() {
  const may = useScopes();
  return useQuery({
    queryKey: ['problems'],
    queryFn: getProblems,
    enabled: may('deliveries:read'),
    meta: { topics: ['problems'], every: PROBLEMS_MS },
    staleTime: PROBLEMS_MS,
  });
}
