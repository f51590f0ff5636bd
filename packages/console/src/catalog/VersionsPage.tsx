import { Paper, Skeleton, Stack, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { getCatalogVersions } from '../api/catalog.ts';
import { getLatestReleases } from '../api/releases.ts';
import { linkToReleases } from '../route.ts';
import { EmptyState } from '../shell/EmptyState.tsx';
import { PAGE_MS } from '../shell/live-pages.ts';
import { PageTitle } from '../shell/PageTitle.tsx';
import { ProblemView } from '../shell/ProblemView.tsx';
import { useKeptFocus } from '../shell/use-kept-focus.ts';
import { t } from '../text/text.ts';
import { VersionRow } from './VersionRow.tsx';

/** Applied catalog versions, newest first, each with its changes, its release and a button to roll back to it. */
export function VersionsPage() {
  const list = useQuery({
    queryKey: ['catalog', 'versions'],
    queryFn: getCatalogVersions,
    meta: { topics: ['catalog', 'releases'], every: 5000 },
  });
  const releases = useQuery({
    queryKey: ['releases', 'latest'],
    queryFn: getLatestReleases,
    meta: { topics: ['releases'], every: PAGE_MS },
  });
  const container = useKeptFocus();
  const versions = list.data?.versions;
  const active = versions?.find((version) => version.active)?.version ?? 0;
  const underWay = releases.data?.releases.find(({ state }) => state === 'watching');
  // The API rejects every other change of versions until it has ended.
  const canChange = !releases.isPending && underWay === undefined;
  return (
    <Stack gap="md" ref={container}>
      <PageTitle>{t('Catalog versions')}</PageTitle>
      {list.error && <ProblemView problem={list.error} retry={() => list.refetch()} />}
      {releases.error && <ProblemView problem={releases.error} retry={() => releases.refetch()} />}
      {underWay && (
        <Text size="sm" className="break" data-testid="release-under-way">
          {t('While version {version} is being released, no other one is released or made active.', {
            version: underWay.to_version,
          })}{' '}
          <a href={linkToReleases()}>{t('See the releases')}</a>
        </Text>
      )}
      {list.isPending && <Skeleton height={320} />}
      {versions?.length === 0 && (
        <EmptyState title={t('No catalog versions yet')}>
          {t('Run tidings apply to apply a catalog. Each applied version appears here.')}
        </EmptyState>
      )}
      {versions !== undefined && versions.length > 0 && (
        <Paper withBorder className="rows">
          {versions.map((version) => (
            <VersionRow
              key={version.version}
              version={version}
              active={active}
              canChange={canChange}
              release={releases.data?.releases.find(({ to_version: released }) => released === version.version)}
            />
          ))}
        </Paper>
      )}
    </Stack>
  );
}
