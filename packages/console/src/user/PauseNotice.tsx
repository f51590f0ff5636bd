import { Alert, Group, Text } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect } from 'react';
import { getPreferences, resumeUser } from '../api/users.ts';
import { ActionButton } from '../shell/ActionButton.tsx';
import { announce } from '../shell/announce.tsx';
import { IconPause } from '../shell/icons.tsx';
import { ProblemView } from '../shell/ProblemView.tsx';
import { Time } from '../shell/Time.tsx';
import { T } from '../text/T.tsx';
import { t } from '../text/text.ts';

const POLL_MS = 15_000;
/** Longest time in ms of a timer of the browser. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** The pause of the messages to a user, and a button that ends it. Renders nothing without a pause. */
export function PauseNotice({ userId }: { userId: string }) {
  const queries = useQueryClient();
  const preferences = useQuery({
    queryKey: ['preferences', userId],
    queryFn: () => getPreferences(userId),
    meta: { topics: ['events'], every: POLL_MS },
  });
  const resume = useMutation({
    mutationFn: () => resumeUser(userId),
    onSuccess: async () => {
      await queries.invalidateQueries({ queryKey: ['preferences', userId] });
      announce(t('Messages to {user} go again.', { user: userId }));
    },
  });
  const pause = preferences.data?.pause;
  const until = pause?.until;
  useEffect(() => {
    if (until === undefined) return;
    const look = () => void queries.invalidateQueries({ queryKey: ['preferences', userId] });
    const timer = setTimeout(look, Math.min(Math.max(Date.parse(until) - Date.now(), 0) + 1000, MAX_TIMER_MS));
    return () => clearTimeout(timer);
  }, [until, userId, queries]);
  if (!pause) return null;
  return (
    <Alert color="yellow" variant="light" icon={<IconPause size={18} />} data-testid="pause-notice">
      <Group justify="space-between" gap="sm">
        <Text size="sm" className="break" flex="1 1 240px">
          <T
            text="Messages are paused until {time}: {reason}"
            values={{ time: <Time value={pause.until} as="full" />, reason: pause.reason }}
          />
        </Text>

        <ActionButton
          needs="preferences:write"
          action="resume"
          busy={resume.isPending}
          onClick={() => resume.mutate()}
          data-testid="resume-user"
        >
          {t('Resume')}
        </ActionButton>
      </Group>
      {resume.error && <ProblemView problem={resume.error} />}
    </Alert>
  );
}
