import { Button, Group, NativeSelect, Slider, Stack, Text, TextInput } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import type { TriedEvent } from '@tidings/client/types';
import { useState } from 'react';
import { type TrialRequest, tryDraft } from '../api/drafts.ts';
import { useParameter } from '../route.ts';
import { JsonField } from '../shell/JsonField.tsx';
import { ProblemView } from '../shell/ProblemView.tsx';
import { IconPlay } from '../shell/page-icons.tsx';
import { readObject } from '../shell/parse-object.ts';
import { Time } from '../shell/Time.tsx';
import { T } from '../text/T.tsx';
import { t } from '../text/text.ts';
import { DraftDecision } from './DraftDecision.tsx';
import type { Draft } from './draft.ts';

const DAY = 86_400_000;
const MAX_DAYS = 31;

/** Decides an event with the draft by a virtual clock; the address has the user and the event. */
export function TryTab({ draft, rule }: { draft: Draft; rule: string }) {
  const [givenUser] = useParameter('user');
  const [givenEvent] = useParameter('event');
  const [userId, setUserId] = useState(givenUser ?? '');
  const [kind, setKind] = useState<'stored' | 'posted'>('stored');
  const [eventId, setEventId] = useState(givenEvent ?? '');
  const [posted, setPosted] = useState('');
  const [days, setDays] = useState(0);
  const trial = useMutation({ mutationFn: (request: TrialRequest) => tryDraft(draft.files, request) });
  const body = readObject(posted);
  const isFilled =
    userId.trim() !== '' && (kind === 'stored' ? eventId.trim() !== '' : posted.trim() !== '' && body !== null);
  const run = async (forDays: number) => {
    const what = kind === 'stored' ? { event_id: eventId.trim() } : { event: body ?? {} };
    const request: TrialRequest = { user_id: userId.trim(), ...what };
    // The clock runs on from the event, whose time the first answer tells.
    const first = await trial.mutateAsync(request).catch(() => undefined);
    if (!first || forDays === 0) return;
    const until = new Date(Date.parse(first.at) + forDays * DAY).toISOString();
    await trial.mutateAsync({ ...request, until }).catch(() => undefined);
  };
  return (
    <Stack gap="sm">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (isFilled && !trial.isPending) void run(days);
        }}
      >
        <Stack gap="xs">
          <TextInput
            label={t('User')}
            value={userId}
            onChange={(event) => setUserId(event.currentTarget.value)}
            autoComplete="off"
            data-testid="try-user"
          />
          <NativeSelect
            label={t('Event')}
            value={kind}
            onChange={(event) => setKind(event.currentTarget.value as 'stored' | 'posted')}
            data={[
              { value: 'stored', label: t('One that came, by its id') },
              { value: 'posted', label: t('One as it is posted') },
            ]}
            data-testid="try-kind"
          />
          {kind === 'stored' ? (
            <TextInput
              label={t('Event id')}
              value={eventId}
              onChange={(event) => setEventId(event.currentTarget.value)}
              autoComplete="off"
              data-testid="try-event"
            />
          ) : (
            <JsonField
              label={t('Event (JSON)')}
              description={t('With event_type, event_timestamp, properties and user_traits')}
              value={posted}
              onChange={setPosted}
              data-testid="try-posted"
            />
          )}
          <Text size="sm" fw={500}>
            {t('The virtual clock runs on for {days, plural, one {# day} other {# days}} after the event', { days })}
          </Text>
          <Slider
            value={days}
            onChange={setDays}
            min={0}
            max={MAX_DAYS}
            thumbLabel={t('Days that the virtual clock runs on')}
            label={null}
            data-testid="try-days"
          />
          <Group>
            <Button
              type="submit"
              size="xs"
              leftSection={<IconPlay size={14} />}
              aria-disabled={!isFilled}
              aria-busy={trial.isPending}
              data-testid="try-run"
            >
              {t('Try')}
            </Button>
          </Group>
        </Stack>
      </form>
      <div role="status">{trial.data && !trial.isPending && <Summary tried={trial.data} rule={rule} />}</div>
      {trial.error && <ProblemView problem={trial.error} />}
      {trial.data && <Sides tried={trial.data} userId={userId} />}
    </Stack>
  );
}

function Summary({ tried, rule }: { tried: TriedEvent; rule: string }) {
  const decided = tried.draft.flatMap(({ decisions }) => decisions);
  const own = decided.filter((one) => one.rule === rule);
  return (
    <Text size="sm" data-testid="try-summary">
      <T
        text={
          decided.length === 0
            ? 'No rule of the draft concerns this event. It arrives {time}.'
            : '{all, plural, one {# decision} other {# decisions}}, {own, number} of this rule. It arrives {time}.'
        }
        values={{ all: decided.length, own: own.length, time: <Time value={tried.at} as="full" /> }}
      />
    </Text>
  );
}

/** Decisions of the draft, beside those that were made. */
function Sides({ tried, userId }: { tried: TriedEvent; userId: string }) {
  const { event_id, event_type, event_timestamp } = tried;
  const toList = (steps: TriedEvent['draft'], label: string, testId: string) => (
    <section aria-label={label} data-testid={testId}>
      <Text size="sm" fw={600} mb={4}>
        {label}
      </Text>
      {steps.length === 0 && (
        <Text size="sm" c="dimmed">
          {t('Nothing.')}
        </Text>
      )}
      {steps.flatMap(({ at, decisions }) =>
        decisions.map((decision) => (
          <DraftDecision
            key={`${at} ${decision.rule} ${decision.notification_type}`}
            userId={userId}
            decision={decision}
            at={at}
            event={{ event_id, event_type, event_timestamp }}
          />
        )),
      )}
    </section>
  );
  return (
    <div className="sides">
      {toList(tried.draft, t('The draft decides'), 'try-draft')}
      {toList(tried.stored, t('What was decided'), 'try-stored')}
    </div>
  );
}
