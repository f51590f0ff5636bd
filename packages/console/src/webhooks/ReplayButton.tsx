import { Anchor, Checkbox, NativeSelect, Stack, Text } from '@mantine/core';
import type { Webhook } from '@tidings/client/types';
import { useState } from 'react';
import { replayWebhook } from '../api/webhooks.ts';
import { isPortal } from '../portal/is-portal.ts';
import { linkToJobs } from '../route.ts';
import { ConfirmButton } from '../shell/ConfirmButton.tsx';
import { IconUndo } from '../shell/icons.tsx';

const HOUR = 3_600_000;
const SPANS = { '1': 'the last hour', '24': 'the last day', '168': 'the last week', '720': 'the last 30 days' };

/** Button that starts a job which sends what an endpoint missed in a time again. */
export function ReplayButton({ endpoint: { endpoint_id: id } }: { endpoint: Webhook }) {
  const [hours, setHours] = useState('24');
  const [includesSent, setIncludesSent] = useState(false);
  return (
    <ConfirmButton
      label="Replay"
      leftSection={<IconUndo size={14} />}
      act={async () => {
        const since = new Date(Date.now() - Number(hours) * HOUR).toISOString();
        await replayWebhook(id, { since, include_sent: includesSent });
        return isPortal ? 'It is being sent again.' : 'A job sends it again; see Jobs.';
      }}
      testId="webhook-replay"
    >
      <Stack gap="sm">
        <Text size="sm">
          What failed or is kept is sent again, with the same id: a receiver that looks at it takes nothing twice.
          {!isPortal && (
            <>
              {' '}
              The progress is on the page of <Anchor href={linkToJobs()}>jobs</Anchor>.
            </>
          )}
        </Text>
        <NativeSelect
          label="Created in"
          value={hours}
          onChange={(event) => setHours(event.currentTarget.value)}
          data={Object.entries(SPANS).map(([value, label]) => ({ value, label }))}
        />
        <Checkbox
          label="Also what was sent"
          checked={includesSent}
          onChange={(event) => setIncludesSent(event.currentTarget.checked)}
        />
      </Stack>
    </ConfirmButton>
  );
}
