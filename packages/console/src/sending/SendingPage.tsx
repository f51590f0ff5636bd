import { Skeleton, Stack, Text, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { SendingState } from '@tidings/client/types';
import { getSending } from '../api/channels.ts';
import { FactRows } from '../channels/FactTable.tsx';
import { PAGE_MS } from '../shell/live-pages.ts';
import { PageTitle } from '../shell/PageTitle.tsx';
import { ProblemView } from '../shell/ProblemView.tsx';
import { t } from '../text/text.ts';
import { AccountsTable } from './AccountsTable.tsx';
import { EmailState } from './EmailState.tsx';
import { formatThresholds, ShareText } from './shares.tsx';

/** Whether messages go out: by account, with circuits and limits, and by type, with bounces and complaints. */
export function SendingPage() {
  const query = useQuery({
    queryKey: ['sending'],
    queryFn: getSending,
    meta: { topics: ['problems', 'deliveries'], every: PAGE_MS },
  });
  return (
    <Stack gap="xl">
      <PageTitle>{t('Sending')}</PageTitle>
      {query.error && <ProblemView problem={query.error} retry={() => query.refetch()} />}
      {query.isPending && <Skeleton height={320} />}
      {query.data && (
        <>
          <AccountsTable accounts={query.data.accounts} />
          <EmailTable state={query.data} />
        </>
      )}
    </Stack>
  );
}

/** Bounces and complaints by type, those in trouble first. A type that is paused has a row even if nothing of it was counted lately. */
function EmailTable({ state }: { state: SendingState }) {
  const { counts, emails, thresholds } = state;
  const isCounted = (type: string | null) => counts.some((one) => one.notification_type === type);
  const uncounted = emails
    .filter((one) => !isCounted(one.notification_type))
    .map(({ notification_type }) => ({ notification_type, ended: 0, bounced: 0, complained: 0 }));
  const rows = [...uncounted, ...counts];
  return (
    <Stack gap="xs" component="section" aria-label={t('Bounces and complaints')}>
      <Title order={2} size="h4">
        {t('Bounces and complaints')}
      </Title>
      <Text size="sm" c="dimmed" data-testid="thresholds">
        {formatThresholds(thresholds)}
      </Text>
      {rows.length === 0 ? (
        <Text size="sm" c="dimmed" data-testid="emails-empty">
          {t('No email of the last 24 hours has a known end: only those of providers that send receipts are counted.')}
        </Text>
      ) : (
        <FactRows
          testId="emails"
          items={rows}
          getId={({ notification_type: type }) => type ?? ''}
          columns={{
            [t('Type')]: ({ notification_type: type }) => type ?? t('All types together'),
            [t('Known ends')]: ({ ended }) => ended,
            [t('Bounced')]: (one) => <ShareText part={one.bounced} all={one.ended} />,
            [t('Complained')]: (one) => <ShareText part={one.complained} all={one.ended} />,
            [t('State')]: (one) => (
              <EmailState
                counts={one}
                standing={emails.find((other) => other.notification_type === one.notification_type)}
                minEmails={thresholds.min_emails}
              />
            ),
          }}
        />
      )}
    </Stack>
  );
}
