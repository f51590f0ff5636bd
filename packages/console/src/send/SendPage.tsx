import { Button, Paper, Stack, Text, Textarea, Title } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import type { SendAnswer, SendRequest } from '@tidings/client/types';
import { useState } from 'react';
import { createKey } from '../api/idempotency-key.ts';
import { checkNotification, sendNotification } from '../api/notifications.ts';
import type { CatalogNotification } from '../api/types.ts';
import { announce } from '../shell/announce.tsx';
import { ConfirmButton } from '../shell/ConfirmButton.tsx';
import { IconSend } from '../shell/icons.tsx';
import { PageTitle } from '../shell/PageTitle.tsx';
import { Permitted } from '../shell/Permitted.tsx';
import { ProblemView } from '../shell/ProblemView.tsx';
import { useZone } from '../shell/zone.ts';
import { T } from '../text/T.tsx';
import { t } from '../text/text.ts';
import { CatalogTypes } from './CatalogTypes.tsx';
import { MessageFields } from './MessageFields.tsx';
import { describeRecipients, EMPTY_DRAFT, readRecipients, toRequest } from './message-draft.ts';
import { SendResults } from './SendResults.tsx';

/** As the API has it. */
const MAX_RECIPIENTS = 1000;
/** Above this number of users who get it, the number is typed to send. */
const MAX_UNTYPED = 100;

/** Page that sends one notification: it is checked first, which says who would get it and why others would not. */
export function SendPage({ type, to }: { type: string | null; to: string | null }) {
  return (
    <Stack gap="md">
      <PageTitle>{t('Send a notification')}</PageTitle>
      <Permitted scope="notifications:write">
        <CatalogTypes>{(types) => <SendForm types={types} type={type} recipient={to} />}</CatalogTypes>
      </Permitted>
    </Stack>
  );
}

interface Outcome {
  readonly request: SendRequest;
  readonly answer: SendAnswer;
  /** So that what was checked is sent once. */
  readonly key: string;
}

interface SendFormProps {
  readonly types: readonly CatalogNotification[];
  readonly type: string | null;
  /** Id of the user who is the recipient at first; null: none. */
  readonly recipient: string | null;
}

function SendForm({ types, type, recipient }: SendFormProps) {
  const zone = useZone();
  const [draft, setDraft] = useState({
    ...EMPTY_DRAFT,
    type: types.find(({ name }) => name === type)?.name ?? '',
  });
  const [to, setTo] = useState(recipient === null ? '' : `user:${recipient}`);
  const [isTried, setTried] = useState(false);
  const [sent, setSent] = useState<Outcome>();
  const recipients = readRecipients(to);
  const { request: message, faults } = toRequest(
    draft,
    types.find(({ name }) => name === draft.type),
    zone,
  );
  const request: SendRequest = { ...message, recipients };
  const toFault =
    recipients.length === 0
      ? t('Write at least one recipient.')
      : recipients.length > MAX_RECIPIENTS &&
        t('Of {max, number} recipients at most. Make a batch for more.', { max: MAX_RECIPIENTS });
  const isSound = toFault === false && Object.keys(faults).length === 0;
  const check = useMutation({
    mutationFn: async (): Promise<Outcome> => ({ request, answer: await checkNotification(request), key: createKey() }),
    onSuccess: ({ answer }) => {
      setSent(undefined);
      announce(
        t('Checked: {accepted, number} of {all, number} would get it.', {
          accepted: answer.accepted,
          all: answer.results.length,
        }),
      );
    },
  });
  // A check counts only for what is still typed.
  const checked = JSON.stringify(check.data?.request) === JSON.stringify(request) ? check.data : undefined;
  return (
    <>
      <Paper withBorder p="md">
        <form
          onSubmit={(event) => {
            event.preventDefault();
            setTried(true);
            if (isSound && !check.isPending) check.mutate();
          }}
        >
          <Stack gap="md" maw={640}>
            <Textarea
              label={t('To')}
              description={
                <T
                  text="One a line: an ID, an email address, or a phone number with its +. Write {prefix} before an ID that looks like an address."
                  values={{ prefix: <code>user:</code> }}
                />
              }
              error={isTried && toFault}
              value={to}
              onChange={(event) => setTo(event.currentTarget.value)}
              autosize
              minRows={2}
              maxRows={12}
              data-testid="send-to"
            />
            <Text size="xs" c="dimmed" data-testid="send-understood">
              {t('Understood as: {recipients}', { recipients: describeRecipients(recipients) })}
            </Text>
            <MessageFields types={types} draft={draft} faults={isTried ? faults : {}} onChange={setDraft} />
            <Button
              type="submit"
              variant="default"
              aria-busy={check.isPending}
              style={{ alignSelf: 'start' }}
              data-testid="send-check"
            >
              {t('Check who would get it')}
            </Button>
            {check.error && <ProblemView problem={check.error} />}
          </Stack>
        </form>
      </Paper>
      {checked !== undefined && sent?.key !== checked.key && <Checked outcome={checked} onSent={setSent} />}
      {sent !== undefined && <Sent answer={sent.answer} />}
    </>
  );
}

function Checked({ outcome, onSent }: { outcome: Outcome; onSent: (outcome: Outcome) => void }) {
  const { request, answer, key } = outcome;
  const { accepted, results } = answer;
  return (
    <Stack gap="sm" component="section" aria-label={t('Check')} data-testid="send-checked">
      <Title order={2} size="h4">
        {t('{accepted, number} of {all, number} would get it', { accepted, all: results.length })}
      </Title>
      <Text size="sm" c="dimmed">
        {t('Nothing was sent. Whether an address is suppressed, or missing, is seen only when a message is sent.')}
      </Text>
      {accepted > 0 && (
        <div>
          <ConfirmButton
            needs="notifications:write"
            label={t('Send to {accepted, number}', { accepted })}
            leftSection={<IconSend size={14} />}
            act={async () => {
              const done = await sendNotification(request, key);
              onSent({ ...outcome, answer: done });
              return t('Accepted for {accepted, number} of {all, number}.', {
                accepted: done.accepted,
                all: done.results.length,
              });
            }}
            testId="send-send"
            {...(accepted > MAX_UNTYPED && { typed: String(accepted) })}
          >
            {t(
              '{type} goes to {accepted, number} of {all, number} recipients. A message that was sent cannot be called back.',
              { type: request.type, accepted, all: results.length },
            )}
          </ConfirmButton>
        </div>
      )}
      <SendResults answer={answer} />
    </Stack>
  );
}

function Sent({ answer }: { answer: SendAnswer }) {
  return (
    <Stack gap="sm" component="section" aria-label={t('Sent')} data-testid="send-sent">
      <Title order={2} size="h4">
        {t('Accepted for {accepted, number} of {all, number}', {
          accepted: answer.accepted,
          all: answer.results.length,
        })}
      </Title>
      <Text size="sm" c="dimmed">
        <T
          text="Whether a message arrives is on the page of each notification. Request {id}."
          values={{ id: <span className="name">{answer.request_id}</span> }}
        />
      </Text>
      <SendResults answer={answer} />
    </Stack>
  );
}
