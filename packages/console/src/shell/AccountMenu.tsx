import { useQuery } from '@tanstack/react-query';
import { lazy, Suspense } from 'react';
import { getSession } from '../api/session.ts';
import { getTenant } from '../tenant.ts';

const MemberMenu = lazy(async () => ({ default: (await import('./MemberMenu.tsx')).MemberMenu }));
const WrongTenant = lazy(async () => ({ default: (await import('./WrongTenant.tsx')).WrongTenant }));

/** Menu of a member who is logged in: name, tenants to choose from, logout. Nothing for anyone else. */
export function AccountMenu() {
  const { data } = useQuery({ queryKey: ['session'], queryFn: getSession });
  const asked = getTenant();
  // That of a link of somebody else, or one that the member has left since.
  if (data?.code === 'not_found' && asked !== null) {
    return (
      <Suspense fallback={null}>
        <WrongTenant asked={asked} tenants={data.tenants} />
      </Suspense>
    );
  }
  if (data?.actor?.kind !== 'member') return null;
  return (
    <Suspense fallback={null}>
      <MemberMenu session={data} name={data.actor.name} />
    </Suspense>
  );
}
