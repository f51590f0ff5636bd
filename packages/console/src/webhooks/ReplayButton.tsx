import { Anchor, Checkbox, NativeSelect, Stack, Text } from '@mantine/core';
import type { Webhook } from '@tidings/client/types';
import { useState } from 'react';
import { replayWebhook } from '../api/webhooks.ts';
import { isPortal } from '../portal/is-portal.ts';
import { linkToJobs } from '../route.ts';
import { ConfirmButton } from '../shell/ConfirmButton.tsx';
import { IconUndo } from '../shell/page-icons.tsx';
import { T } from '../text/T.tsx';
import { t } from '../text/text.ts';

const HOUR = 3_600_000;
const SPANS = {
  '1': t('the last hour'),
  '24': t('the last day'),
  '168': t('the last week'),
  '720': t('the last 30 days'),
};

/** Button that starts a job which sends what an endpoint missed in a time again. */
export function ReplayButton({ endpoint: { endpoint_id: id } }: { endpoint: Webhook }) {
  const [hours, setHours] = useState('24');
  const [includesSent, setIncludesSent] = useState(false);
  return (
    <ConfirmButton
      needs="webhooks:write"
      label={t('Replay')}
      leftSection={<IconUndo size={14} />}
      act={async () => {
        const since = new Date(Date.now() - Number(hours) * HOUR).toISOString();
        await replayWebhook(id, { since, include_sent: includesSent });
        return isPortal ? t('It is being sent again.') : t('A job sends it again; see Jobs.');
      }}
      testId="webhook-replay"
    >
      <Stack gap="sm">
        <Text size="sm">
          {isPortal ? (
            t(
              'What failed or is kept is sent again, with the same id: a receiver that looks at it takes nothing twice.',
            )
          ) : (
            <T
              text="What failed or is kept is sent again, with the same id: a receiver that looks at it takes nothing twice. The progress is on the page of <a>jobs</a>."
              values={{
                a: (children) => (
                  <Anchor href={linkToJobs()} underline="always">
                    {children}
                  </Anchor>
                ),
              }}
            />
          )}
        </Text>
        <NativeSelect
          label={t('Created in')}
          value={hours}
          onChange={(event) => setHours(event.currentTarget.value)}
          data={Object.entries(SPANS).map(([value, label]) => ({ value, label }))}
        />
        <Checkbox
          label={t('Also what was sent')}
          checked={includesSent}
          onChange={(event) => setIncludesSent(event.currentTarget.checked)}
        />
      </Stack>
    </ConfirmButton>
  );
}
