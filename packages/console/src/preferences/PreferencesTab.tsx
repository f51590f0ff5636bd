import { Skeleton, Stack } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { getSuppressionsOf } from '../api/suppressions.ts';
import { getPreferences } from '../api/users.ts';
import { PAGE_MS } from '../shell/live-pages.ts';
import { ProblemView } from '../shell/ProblemView.tsx';
import { ChangePreferences } from './ChangePreferences.tsx';
import { ConsentTable } from './ConsentTable.tsx';
import { PreferenceMatrix } from './PreferenceMatrix.tsx';
import { RecordConsent } from './RecordConsent.tsx';
import { UserTimes } from './UserTimes.tsx';

/** Preferences of a user as they take effect, and what decides them. */
export function PreferencesTab({ userId }: { userId: string }) {
  const preferences = useQuery({
    queryKey: ['preferences', userId],
    queryFn: () => getPreferences(userId),
    meta: { topics: ['events'], every: PAGE_MS },
  });
  const suppressions = useQuery({
    queryKey: ['user-suppressions', userId, 'marks'],
    queryFn: () => getSuppressionsOf(userId, null),
    meta: { topics: ['suppressions'], every: PAGE_MS },
  });
  return (
    <Stack gap="xl">
      <Stack gap="md">
        {preferences.error && <ProblemView problem={preferences.error} retry={() => preferences.refetch()} />}
        {preferences.isPending && <Skeleton height={320} />}
        {preferences.data && (
          <>
            <UserTimes preferences={preferences.data} />
            <ChangePreferences userId={userId} preferences={preferences.data} />
            <PreferenceMatrix
              userId={userId}
              preferences={preferences.data}
              suppressions={suppressions.data?.suppressions ?? []}
            />
          </>
        )}
      </Stack>
      <Stack gap="sm">
        <ConsentTable userId={userId} />
        <RecordConsent userId={userId} />
      </Stack>
    </Stack>
  );
}
