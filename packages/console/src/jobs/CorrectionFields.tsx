import { Button, Group, JsonInput, Stack, Text, TextInput } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import type { JobPreview } from '@tidings/client/types';
import { type JobRequest, tryJob } from '../api/jobs.ts';
import { ProblemView } from '../shell/ProblemView.tsx';
import { parseObject } from '../shell/parse-object.ts';
import { t } from '../text/text.ts';
import type { JobDialogProps } from './shown-job.ts';

export interface CorrectionText {
  readonly patch: string;
  /** Expression for the value at the path; empty: none. */
  readonly expression: string;
}

type Correction = NonNullable<JobDialogProps['correction']>;

export const toText = (correction: Correction | undefined): CorrectionText => ({
  patch: JSON.stringify(correction?.patch ?? {}, null, 2),
  expression: '',
});

/**
 * Returns what was entered as a part of a request; null: nothing yet, or the patch is no JSON object. The patch counts only if it was
 * changed: at first it names the field without a value.
 */
export function parseCorrection(
  correction: Correction | undefined,
  text: CorrectionText,
): Pick<JobRequest, 'patch' | 'compute'> | null {
  if (correction === undefined) return {};
  const expression = text.expression.trim();
  const entered = parseObject(text.patch);
  const patch = isSame(entered, correction.patch) ? undefined : entered;
  if (patch === null || (patch === undefined && expression === '')) return null;
  return { ...(patch && { patch }), ...(expression !== '' && { compute: { [correction.path]: expression } }) };
}

const isSame = (one: unknown, other: unknown): boolean => JSON.stringify(one) === JSON.stringify(other);

interface CorrectionFieldsProps {
  readonly request: JobRequest;
  readonly correction: Correction;
  readonly text: CorrectionText;
  readonly onChange: (text: CorrectionText) => void;
}

/** Fields for the correction of many events, and a button that tries it on some of them. */
export function CorrectionFields({ request, correction, text, onChange }: CorrectionFieldsProps) {
  const parsed = parseCorrection(correction, text);
  const trial = useMutation({ mutationFn: () => tryJob({ ...request, ...parsed }) });
  const change = (part: Partial<CorrectionText>) => {
    trial.reset();
    onChange({ ...text, ...part });
  };
  return (
    <Stack gap="sm">
      {correction.path !== '' && (
        <TextInput
          label={t('Value of {path}, from each event', { path: correction.path })}
          description={t(
            'An expression as in rules over event, traits and message (all of it): double(event.amount.replace(",", "."))',
          )}
          value={text.expression}
          onChange={(event) => change({ expression: event.currentTarget.value })}
          spellCheck={false}
          data-testid="job-expression"
        />
      )}
      <JsonInput
        label={t('Or the same value for all: a JSON merge patch')}
        description={t('Fields replace those of the event; null removes a field.')}
        value={text.patch}
        onChange={(patch) => change({ patch })}
        error={parseObject(text.patch) === null && t('This is not a JSON object.')}
        autosize
        minRows={3}
        data-testid="job-patch"
      />
      <Group>
        <Button
          size="xs"
          variant="default"
          loading={trial.isPending}
          aria-disabled={parsed === null}
          onClick={() => parsed !== null && trial.mutate()}
          data-testid="job-try"
        >
          {t('Try on the latest')}
        </Button>
        <Text size="sm" c="dimmed">
          {t('Nothing is stored.')}
        </Text>
      </Group>
      <div role="status">
        {trial.error && <ProblemView problem={trial.error} />}
        {trial.data?.trial && <TrialView trial={trial.data.trial} />}
      </div>
    </Stack>
  );
}

function TrialView({ trial: { tried, accepted, sends, items } }: { trial: NonNullable<JobPreview['trial']> }) {
  return (
    <div data-testid="job-trial">
      <Text size="sm" fw={600}>
        {t(
          '{accepted, number} of {tried, number} would be accepted, and lead to {sends, plural, one {# notification} other {# notifications}}',
          { accepted, tried, sends },
        )}
      </Text>
      <ul className="job-groups">
        {items.map(({ item, status, message, changes }) => (
          <li key={item}>
            <Text size="sm" className="break" component="div">
              {changes.map(({ path, before, after }) => (
                <div key={path}>
                  <span className="name">{path}</span>: {JSON.stringify(before)} → {JSON.stringify(after)}
                </div>
              ))}
              {status === 'accepted' ? t('accepted') : `${status}${message === null ? '' : `: ${message}`}`}
            </Text>
          </li>
        ))}
      </ul>
    </div>
  );
}
