import { Box, Radio, Stack, Text, TextInput } from '@mantine/core';
import type { PreviewRequest, TestSend, TestSendRequest } from '@tidings/client/types';
import { useState } from 'react';
import { useRequestKey } from '../api/idempotency-key.ts';
import { testTemplate } from '../api/templates.ts';
import { SendResults } from '../send/SendResults.tsx';
import { ConfirmButton } from '../shell/ConfirmButton.tsx';
import { IconSend } from '../shell/icons.tsx';
import { t } from '../text/text.ts';

type To = 'user_id' | 'email' | 'phone';

const LABELS: Record<To, string> = {
  user_id: t('a user, by ID'),
  email: t('an email address that a user has verified'),
  phone: t('a phone number that a user has verified'),
};

/** Button that sends what is previewed to one user, as a test. */
export function TestSendButton({ request }: { request: PreviewRequest }) {
  const { keyOf, forget } = useRequestKey();
  const [to, setTo] = useState<To>('user_id');
  // Null: the user of the preview.
  const [typed, setText] = useState<string | null>(null);
  const text = typed ?? request.user_id ?? '';
  const [sent, setSent] = useState<TestSend>();
  const { notification_type: type, channel, locale, template, last_event: last, variables } = request;
  const send = async () => {
    const test: TestSendRequest = {
      notification_type: type,
      ...(channel !== undefined && { channels: [channel] }),
      ...(locale !== undefined && { locale }),
      ...(template !== undefined && { template }),
      ...(last === true && { last_event: true }),
      ...(variables !== undefined && { variables }),
      ...(to === 'user_id' ? { user_id: text.trim() } : { to: { [to]: text.trim() } }),
    };
    const answer = await testTemplate(test, keyOf(test));
    forget();
    setSent(answer);
    return t(
      '{state, select, accepted {The test is accepted.} scheduled {The test is scheduled.} suppressed {The test is suppressed.} rejected {The test is rejected.} other {The test is {state}.}}',
      { state: answer.result.state },
    );
  };
  return (
    <Stack gap="sm" align="flex-start">
      <ConfirmButton
        needs="notifications:write"
        label={t('Send a test')}
        leftSection={<IconSend size={14} />}
        isFilled={text.trim() !== ''}
        act={send}
        testId="test-send"
      >
        <Text size="sm">
          {t('The message goes by the way of every other, with the real profile of the user, who must want it.')}
        </Text>
        <Radio.Group label={t('To')} value={to} onChange={(value) => setTo(value as To)}>
          <Stack gap={6} mt={6}>
            {(Object.keys(LABELS) as To[]).map((each) => (
              <Radio key={each} value={each} label={LABELS[each]} />
            ))}
          </Stack>
        </Radio.Group>
        <TextInput
          label={to === 'user_id' ? t('ID') : to === 'email' ? t('Email address') : t('Phone number')}
          value={text}
          onChange={(event) => setText(event.currentTarget.value)}
          autoComplete="off"
          data-testid="test-to"
        />
      </ConfirmButton>
      {sent !== undefined && (
        <Box w="100%">
          <SendResults
            answer={{
              request_id: sent.request_id,
              dry_run: false,
              accepted: sent.result.state === 'accepted' ? 1 : 0,
              results: [sent.result],
            }}
          />
        </Box>
      )}
    </Stack>
  );
}
