import { useQuery } from '@tanstack/react-query';
import { getSession } from '../api/session.ts';
import { MENU, type MenuGroup } from './pages.ts';

/** Returns the menu, without pages that the sender of the requests may not see; while that is not known, without those of operators alone. */
export function useMenu(): readonly MenuGroup[] {
  const { data } = useQuery({ queryKey: ['session'], queryFn: getSession });
  return MENU.map(({ label, pages }) => ({
    label,
    pages: pages.filter(
      ({ scope }) => !scope || (data?.code === null ? data.scopes.includes(scope) : scope !== 'tenants:read'),
    ),
  }));
}
