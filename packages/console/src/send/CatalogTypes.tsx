import { Skeleton } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { getCatalog } from '../api/catalog.ts';
import type { CatalogNotification } from '../api/types.ts';
import { ProblemView } from '../shell/ProblemView.tsx';

/** Gives its content the notification types of the active catalog. */
export function CatalogTypes({ children }: { children: (types: readonly CatalogNotification[]) => ReactNode }) {
  const catalog = useQuery({ queryKey: ['catalog'], queryFn: getCatalog });
  if (catalog.error) return <ProblemView problem={catalog.error} retry={() => catalog.refetch()} />;
  return catalog.isPending ? <Skeleton height={320} /> : children(catalog.data.notifications);
}
