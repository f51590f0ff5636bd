import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect } from 'react';
import { getSession } from '../api/session.ts';
import { getTenant, setTenant } from '../tenant.ts';
import { LazyPlace, lazyPart } from './lazy-part.tsx';

const MemberMenu = lazyPart(() => import('./MemberMenu.tsx'), 'MemberMenu');

/** Menu of a member who is logged in: name, tenants to choose from, logout. Nothing for anyone else. */
export function AccountMenu() {
  const queries = useQueryClient();
  const { data } = useQuery({ queryKey: ['session'], queryFn: getSession });
  // A tenant that the member has left since: the API chooses again.
  const isLeft = data?.code === 'not_found' && getTenant() !== null;
  useEffect(() => {
    if (!isLeft) return;
    setTenant(null);
    void queries.resetQueries();
  }, [isLeft, queries]);
  if (data?.actor?.kind !== 'member') return null;
  return (
    <LazyPlace inBar>
      <MemberMenu session={data} name={data.actor.name} />
    </LazyPlace>
  );
}
