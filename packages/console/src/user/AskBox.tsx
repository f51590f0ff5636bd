import { Anchor, Button, Group, NativeSelect, Paper, Skeleton, Stack, Text, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { Explanation } from '@tidings/client/types';
import { useState } from 'react';
import { getExplanation } from '../api/audit.ts';
import type { AuditDecision, CatalogNotification } from '../api/types.ts';
import { linkToUser, openLink, useParameter } from '../route.ts';
import { CopyButton } from '../shell/CopyButton.tsx';
import { Disclosure } from '../shell/Disclosure.tsx';
import { getLook, OUTCOMES } from '../shell/outcome.ts';
import { ProblemView } from '../shell/ProblemView.tsx';
import { Reason } from '../shell/Reason.tsx';
import { StatusBadge } from '../shell/StatusBadge.tsx';
import { Time } from '../shell/Time.tsx';
import { T } from '../text/T.tsx';
import { t } from '../text/text.ts';
import { EvidenceView } from './EvidenceView.tsx';
import { toTicket } from './ticket.ts';

/** The question why a user did not get a type, about a time or in general, with its answer. The address has the question. */
export function AskBox({ userId, types }: { userId: string; types: readonly CatalogNotification[] }) {
  const [asked] = useParameter('ask');
  const [around] = useParameter('at');
  const [type, setType] = useState(asked ?? '');
  const [time, setTime] = useState(around === null ? '' : toLocalText(around));
  const ask = () => {
    const at = time === '' ? {} : { at: new Date(time).toISOString() };
    openLink(`${location.pathname}?${new URLSearchParams({ ask: type, ...at })}`);
  };
  return (
    <Paper withBorder p="md" component="section" aria-label={t('Ask')} data-testid="ask">
      <Stack gap="sm">
        <form
          onSubmit={(event) => {
            event.preventDefault();
            if (type !== '') ask();
          }}
        >
          <Group gap="sm" align="end">
            <NativeSelect
              label={t('Why did they not get')}
              required
              withAsterisk={false}
              value={type}
              onChange={(event) => setType(event.currentTarget.value)}
              data={[
                { value: '', label: t('Choose a type') },
                ...types.map(({ name }) => ({ value: name, label: name })),
              ]}
              className="ask-type"
              data-testid="ask-type"
            />
            <TextInput
              label={t('Around (optional)')}
              type="datetime-local"
              value={time}
              onChange={(event) => setTime(event.currentTarget.value)}
              data-testid="ask-time"
            />
            <Button type="submit" data-testid="ask-button">
              {t('Explain')}
            </Button>
          </Group>
        </form>
        {asked !== null && <AskAnswer key={`${asked} ${around}`} userId={userId} type={asked} around={around} />}
      </Stack>
    </Paper>
  );
}

function AskAnswer({ userId, type, around }: { userId: string; type: string; around: string | null }) {
  const answer = useQuery({ queryKey: ['explain', userId, type], queryFn: () => getExplanation(userId, type) });
  if (answer.error) return <ProblemView problem={answer.error} retry={() => answer.refetch()} />;
  if (answer.isPending) return <Skeleton height={72} />;
  const explanation = answer.data;
  const about = findDecision(explanation, around);
  return (
    <Stack gap="xs" data-testid="ask-answer">
      {around !== null && <Near explanation={explanation} about={about} around={around} />}
      {about !== null && (
        <>
          <Group gap="xs">
            <StatusBadge look={getLook(OUTCOMES, about.outcome)} testId="ask-outcome" />
            <Text size="sm" c="dimmed">
              <T
                text="{time}, on {event} of {happened}"
                values={{
                  time: <Time value={about.decided_at} as="full" />,
                  event: <span className="name">{about.event_type}</span>,
                  happened: <Time value={about.event_timestamp} as="full" />,
                }}
              />
            </Text>
          </Group>
          <Reason code={about.reason_code} sentence={about.reason} testId="ask-reason" />
          <Disclosure label={t('Evidence')} testId="ask-evidence">
            <EvidenceView userId={userId} decision={about} />
          </Disclosure>
        </>
      )}
      {around === null && (
        <Text size="sm" data-testid="ask-paragraph">
          {explanation.paragraph}
        </Text>
      )}
      <Group gap="sm">
        <CopyButton
          label={t('Copy for a ticket')}
          getText={() => toTicket(userId, explanation, about)}
          said={t('Copied, with a link to it.')}
          testId="ask-copy"
        />
        {about !== null && (
          <Anchor size="sm" href={linkToUser(userId, about.event_id)}>
            {t('In the timeline')}
          </Anchor>
        )}
      </Group>
    </Stack>
  );
}

const DAY_MS = 86_400_000;

/** Says what the decision has to do with the time that was asked about. */
function Near({
  explanation,
  about,
  around,
}: {
  explanation: Explanation;
  about: AuditDecision | null;
  around: string;
}) {
  if (about === null) {
    return (
      <Text size="sm" data-testid="ask-near">
        {t('Nothing was ever decided about it.')} {explanation.paragraph}
      </Text>
    );
  }
  if (distance(about, around) <= DAY_MS) return null;
  return (
    <Text size="sm" data-testid="ask-near">
      <T
        text="Nothing was decided about it within a day of {time}. The decision next to it:"
        values={{ time: <Time value={around} as="full" /> }}
      />
    </Text>
  );
}

/** Returns the decision next to a time; without one the latest. Null: there is no decision. */
function findDecision({ decisions }: Explanation, around: string | null): AuditDecision | null {
  if (around === null) return decisions[0] ?? null;
  let found: AuditDecision | null = null;
  for (const one of decisions) if (found === null || distance(one, around) < distance(found, around)) found = one;
  return found;
}

/** Time in ms between a decision, or the event that it is about, and a time. */
function distance({ decided_at: decided, event_timestamp: happened }: AuditDecision, around: string): number {
  const at = Date.parse(around);
  return Math.min(Math.abs(Date.parse(decided) - at), Math.abs(Date.parse(happened) - at));
}

/** Returns a time as a field for a local time has it; an invalid one as an empty text. */
function toLocalText(time: string): string {
  const date = new Date(time);
  if (Number.isNaN(date.getTime())) return '';
  return new Date(date.getTime() - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}
