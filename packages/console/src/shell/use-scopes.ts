import { useQuery } from '@tanstack/react-query';
import type { Scope } from '../../../../src/model/principal.ts';
import { getSession } from '../api/session.ts';

/** Scopes that a command needs, all of them; null: it changes nothing that the API keeps. */
export type Needs = Scope | readonly Scope[] | null;

/** Returns what the sender of the requests may do; nothing before that is known. */
export function useScopes(): (needs: Needs) => boolean {
  // Each button of a list asks.
  const { data } = useQuery({ queryKey: ['session'], queryFn: getSession, staleTime: 10_000 });
  return (needs) => [needs ?? []].flat().every((scope) => data?.scopes.includes(scope));
}
