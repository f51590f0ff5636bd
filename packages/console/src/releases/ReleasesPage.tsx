import { Group, Stack } from '@mantine/core';
import type { Release, ReleasePage } from '@tidings/client/types';
import { getReleases } from '../api/releases.ts';
import { EmptyState } from '../shell/EmptyState.tsx';
import { LiveList } from '../shell/LiveList.tsx';
import { PAGE_MS, useLivePages } from '../shell/live-pages.ts';
import { PageTitle } from '../shell/PageTitle.tsx';
import { uniqueBy } from '../shell/unique-by.ts';
import { t } from '../text/text.ts';
import { ReleaseCard } from './ReleaseCard.tsx';
import { StartRelease } from './StartRelease.tsx';

const getId = ({ release_id: id }: Release): string => id;
const mergePages = (pages: readonly ReleasePage[]): Release[] =>
  uniqueBy(
    pages.flatMap(({ releases }) => releases),
    getId,
  );

/** Releases of catalog versions, the latest first: the one under way with its numbers, and what can be done with it. */
export function ReleasesPage() {
  const list = useLivePages<ReleasePage, Release>({
    key: ['releases'],
    load: getReleases,
    mergePages,
    getId,
    topics: ['releases'],
    every: PAGE_MS,
  });
  const isUnderWay = list.items?.some(({ state }) => state === 'watching' || state === 'scheduled') ?? true;
  return (
    <Stack gap="md">
      <Group justify="space-between">
        <PageTitle>{t('Releases')}</PageTitle>
        {!isUnderWay && <StartRelease />}
      </Group>
      <LiveList
        list={list}
        empty={
          <EmptyState title={t('No releases yet')}>
            {t(
              'A release lets a new version of the catalog decide about a share of the users first. It is watched, and finished or rolled back.',
            )}
          </EmptyState>
        }
      >
        {(items) => items.map((release) => <ReleaseCard key={release.release_id} release={release} />)}
      </LiveList>
    </Stack>
  );
}
