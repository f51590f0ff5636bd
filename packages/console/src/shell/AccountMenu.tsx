import { useQuery } from '@tanstack/react-query';
import { getSession } from '../api/session.ts';
import { getTenant } from '../tenant.ts';
import { LazyPlace, lazyPart } from './lazy-part.tsx';

const MemberMenu = lazyPart(() => import('./MemberMenu.tsx'), 'MemberMenu');
const WrongTenant = lazyPart(() => import('./WrongTenant.tsx'), 'WrongTenant');

/** Menu of a member who is logged in: name, tenants to choose from, logout. Nothing for anyone else. */
export function AccountMenu() {
  const { data } = useQuery({ queryKey: ['session'], queryFn: getSession });
  const asked = getTenant();
  // The tenant of a link of another member, or one that this member has left since.
  if (data?.code === 'not_found' && asked !== null) {
    return (
      <LazyPlace inBar>
        <WrongTenant asked={asked} tenants={data.tenants} />
      </LazyPlace>
    );
  }
  if (data?.actor?.kind !== 'member') return null;
  return (
    <LazyPlace inBar>
      <MemberMenu session={data} name={data.actor.name} />
    </LazyPlace>
  );
}
