import { Button, Group, Skeleton, Stack, Text, TextInput } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import type { JobPreview } from '@tidings/client/types';
import { useId, useState } from 'react';
import { createKey } from '../api/idempotency-key.ts';
import { getJob, previewJob, startJob } from '../api/jobs.ts';
import type { Channel, DeliveryStatus } from '../api/types.ts';
import { linkToJobs } from '../route.ts';
import { announce } from '../shell/announce.tsx';
import { Dialog } from '../shell/Dialog.tsx';
import { CHANNELS, getLook, STATUSES } from '../shell/outcome.ts';
import { ProblemView } from '../shell/ProblemView.tsx';
import { focusHeading } from '../shell/page-change.ts';
import { toReasonWords } from '../shell/reason-words.ts';
import { T } from '../text/T.tsx';
import { formatCount, t } from '../text/text.ts';
import { CorrectionFields, parseCorrection, toText } from './CorrectionFields.tsx';
import { JobProgress } from './JobProgress.tsx';
import { formatFilter } from './job-text.ts';
import { type JobDialogProps, openJobDialog, useShownJob } from './shown-job.ts';

/** Above this number of items, the number is typed to confirm. */
const MAX_UNTYPED_ITEMS = 100;
const POLL_MS = 500;

/** The dialog that `openJobDialog` opens: a preview, then the progress. */
export function JobDialogHost() {
  const props = useShownJob();
  const close = () => openJobDialog(null);
  return (
    <Dialog opened={props !== null} onClose={close} onExitTransitionEnd={focusIfLost} title={props?.label} size="lg">
      {props && <JobDialog {...props} close={close} />}
    </Dialog>
  );
}

/** Focuses the heading if the button that opened the dialog is gone. */
function focusIfLost(): void {
  if (document.activeElement === null || document.activeElement === document.body) focusHeading();
}

function JobDialog({
  request,
  label,
  note,
  correction,
  asksWhy = false,
  close,
}: JobDialogProps & { close: () => void }) {
  const queries = useQueryClient();
  const [key] = useState(createKey);
  const [typed, setTyped] = useState('');
  const [text, setText] = useState(() => toText(correction));
  const [why, setWhy] = useState('');
  const hint = useId();
  const preview = useQuery({ queryKey: ['job-preview', request], queryFn: () => previewJob(request), staleTime: 0 });
  const corrected = parseCorrection(correction, text);
  const start = useMutation({
    mutationFn: () => startJob({ ...request, ...corrected, ...(why.trim() !== '' && { name: why.trim() }) }, key),
    onSuccess: () => {
      announce(t('Job started: {job}.', { job: label }));
      return queries.invalidateQueries({ queryKey: ['jobs'] });
    },
  });
  const job = useQuery({
    queryKey: ['jobs', start.data?.job_id, 'one'],
    queryFn: async () => {
      const latest = await getJob(start.data!.job_id);
      for (const list of ['deliveries', 'dead-letters', 'rejected', 'waits', 'audit'] as const)
        void queries.invalidateQueries({ queryKey: [list] });
      return latest;
    },
    enabled: start.data !== undefined,
    refetchInterval: (query) => (query.state.data?.ended_at ? false : POLL_MS),
  });
  if (start.data) {
    return (
      <Stack gap="md" data-testid="job-dialog">
        {/* The button that started the job is gone: the keyboard goes on here. */}
        <Text size="sm" tabIndex={-1} ref={focusOnce}>
          <T
            text="The job runs on the server. You can close this dialog; see <link>Jobs</link>."
            values={{ link: (words) => <a href={linkToJobs()}>{words}</a> }}
          />
        </Text>
        <JobProgress job={job.data ?? start.data} />
        <Group justify="flex-end">
          <Button variant="default" onClick={close} data-testid="job-close">
            {t('Close')}
          </Button>
        </Group>
      </Stack>
    );
  }
  const total = preview.data?.count ?? 0;
  const mustType = total > MAX_UNTYPED_ITEMS;
  const isReady = total > 0 && (!mustType || typed === String(total)) && corrected !== null;
  return (
    <Stack gap="md" data-testid="job-dialog">
      <Text size="sm">{note}</Text>
      <Text size="sm" c="dimmed" className="break">
        {t('Filter: {filter}', { filter: formatFilter(request.filter) })}
      </Text>
      {preview.error && <ProblemView problem={preview.error} retry={() => preview.refetch()} />}
      {preview.isPending && <Skeleton height={80} />}
      {preview.data && <PreviewView preview={preview.data} />}
      {correction !== undefined && (
        <CorrectionFields request={request} correction={correction} text={text} onChange={setText} />
      )}
      {asksWhy && (
        <TextInput
          label={t('Why')}
          description={t('Kept with the job and in the audit log.')}
          value={why}
          maxLength={200}
          onChange={(event) => setWhy(event.currentTarget.value)}
          data-testid="job-why"
        />
      )}
      {mustType && (
        <TextInput
          label={t('Type {typed} to confirm', { typed: String(total) })}
          value={typed}
          onChange={(event) => setTyped(event.currentTarget.value)}
          data-testid="job-typed"
        />
      )}
      {start.error && <ProblemView problem={start.error} />}
      <Group justify="flex-end">
        <Button variant="default" onClick={close}>
          {t('Back')}
        </Button>
        <Button
          aria-disabled={!isReady}
          aria-busy={start.isPending}
          aria-describedby={corrected === null ? hint : undefined}
          onClick={() => isReady && !start.isPending && start.mutate()}
          data-testid="job-start"
        >
          {t('Start')}
        </Button>
      </Group>
      {corrected === null && (
        <Text id={hint} size="xs" c="dimmed" ta="right" data-testid="job-hint">
          {t('Enter a value or an expression first.')}
        </Text>
      )}
    </Stack>
  );
}

function PreviewView({ preview: { count: total, at_least: isAtLeast, groups } }: { preview: JobPreview }) {
  return (
    <div data-testid="job-preview">
      <Text size="sm" fw={600}>
        {t(
          '{isAtLeast, select, true {At least {total, plural, one {# item} other {# items}}} other {{total, plural, one {# item} other {# items}}}}',
          { isAtLeast, total },
        )}
      </Text>
      <ul className="job-groups">
        {groups.slice(0, 5).map(({ count: n, message: _, last_at: __, ...fields }) => {
          const names = formatGroup(fields);
          return (
            <li key={names.join(' ')}>
              <Text size="sm" className="break">
                {formatCount(Number(n))} × {names.join(', ')}
              </Text>
            </li>
          );
        })}
      </ul>
    </div>
  );
}

/** Words of the fields of a group that have some, by their values. */
const toWords: { readonly [field: string]: (value: string) => string } = {
  reason_code: toReasonWords,
  channel: (value) => CHANNELS[value as Channel]?.label ?? value,
  status: (value) => getLook(STATUSES, value as DeliveryStatus).label,
};

/** Returns what the items of a group have in common: `Email`, `no email address is known`. Empty values and lists are left out. */
function formatGroup(fields: { readonly [name: string]: unknown }): string[] {
  return Object.entries(fields)
    .flatMap(([name, value]) => (typeof value === 'string' && value !== '' ? (toWords[name]?.(value) ?? value) : value))
    .filter((value) => value !== null && value !== '')
    .map(String);
}

function focusOnce(element: HTMLElement | null): void {
  element?.focus({ preventScroll: true });
}
