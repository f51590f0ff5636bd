import { useQuery } from '@tanstack/react-query';
import { getSession } from '../api/session.ts';

/** Tenant whose data is shown, and whether it is that of test keys. */
export function Tenant() {
  const { data } = useQuery({ queryKey: ['session'], queryFn: getSession });
  if (!data?.tenant_id) return null;
  return (
    <span className="tenant" data-environment={data.environment} data-testid="tenant">
      <span className="tenant-name">{data.tenant_id}</span>
      <span className="environment">{data.environment}</span>
    </span>
  );
}
