import { useQuery, useQueryClient } from '@tanstack/react-query';
import { lazy, Suspense, useEffect } from 'react';
import { getSession } from '../api/session.ts';
import { getTenant, setTenant } from '../tenant.ts';

const MemberMenu = lazy(async () => ({ default: (await import('./MemberMenu.tsx')).MemberMenu }));

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
    <Suspense fallback={null}>
      <MemberMenu session={data} name={data.actor.name} />
    </Suspense>
  );
}
