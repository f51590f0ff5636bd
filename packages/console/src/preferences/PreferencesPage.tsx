import { Paper, Skeleton, Stack } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Problem } from '../api/call.ts';
import { getSuppressionsOf } from '../api/suppressions.ts';
import { getPreferences } from '../api/users.ts';
import { EmptyState } from '../shell/EmptyState.tsx';
import { PAGE_POLL_MS } from '../shell/live-pages.ts';
import { ProblemView } from '../shell/ProblemView.tsx';
import { UserHeading } from '../user/UserHeading.tsx';
import { AddressTable } from './AddressTable.tsx';
import { ChangePreferences } from './ChangePreferences.tsx';
import { ConsentTable } from './ConsentTable.tsx';
import { EndOfUser } from './EndOfUser.tsx';
import { PreferenceMatrix } from './PreferenceMatrix.tsx';
import { RecordConsent } from './RecordConsent.tsx';
import { SuppressionTable } from './SuppressionTable.tsx';
import { UserTimes } from './UserTimes.tsx';

/** Preferences of a user as they take effect, and what decides them: consent, addresses and their suppressions. */
export function PreferencesPage({ userId }: { userId: string }) {
  const preferences = useQuery({
    queryKey: ['preferences', userId],
    queryFn: () => getPreferences(userId),
    refetchInterval: PAGE_POLL_MS,
  });
  const suppressions = useQuery({
    queryKey: ['user-suppressions', userId, 'marks'],
    queryFn: () => getSuppressionsOf(userId, null),
    refetchInterval: PAGE_POLL_MS,
  });
  const isUnknown = preferences.error instanceof Problem && preferences.error.status === 404;
  return (
    <Stack gap="xl">
      <Stack gap="md">
        <UserHeading userId={userId} part="preferences" />
        {isUnknown && (
          <Paper withBorder>
            <EmptyState title="This user is not known">
              A user is known by their first event or request. IDs are case-sensitive.
            </EmptyState>
          </Paper>
        )}
        {preferences.error && !isUnknown && (
          <ProblemView problem={preferences.error} retry={() => preferences.refetch()} />
        )}
        {preferences.isPending && <Skeleton height={320} />}
        {preferences.data && !isUnknown && (
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
      {!isUnknown && (
        <>
          <Stack gap="sm">
            <ConsentTable userId={userId} />
            <RecordConsent userId={userId} />
          </Stack>
          <AddressTable userId={userId} />
          <SuppressionTable userId={userId} />
          <EndOfUser userId={userId} />
        </>
      )}
    </Stack>
  );
}
