import { useQuery } from '@tanstack/react-query';
import { getSession } from '../api/session.ts';

/** Returns what the sender of the requests may do; nothing before that is known. */
export function useScopes(): (scope: string) => boolean {
  const { data } = useQuery({ queryKey: ['session'], queryFn: getSession });
  return (scope) => data?.scopes.includes(scope) ?? false;
}
