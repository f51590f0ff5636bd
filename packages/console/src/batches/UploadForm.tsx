import { Button, FileInput, Group, Paper, Progress, Radio, Stack, Text, Title } from '@mantine/core';
import type { Batch } from '@tidings/client/types';
import { useState } from 'react';
import { linkToBatch } from '../route.ts';
import { ProblemView } from '../shell/ProblemView.tsx';
import { T } from '../text/T.tsx';
import { t } from '../text/text.ts';
import { type UploadState, useUpload } from './use-upload.ts';

const EXAMPLE = '{"user_id":"u1","variables":{"name":"Maria"}}';

/** Adds the recipients of a file to a batch, with progress and the lines that were rejected. */
export function UploadForm({ batch: { batch_id: id, lines } }: { batch: Batch }) {
  const [file, setFile] = useState<File | null>(null);
  // Without a default: the wrong answer would lose lines, or add them twice.
  const [which, setWhich] = useState<'same' | 'other' | ''>('');
  const [isTried, setTried] = useState(false);
  const { state, file: sent, start, stop, resume } = useUpload(id);
  const isRunning = state?.status === 'running';
  // Sent again from its beginning, a file would add its lines a second time.
  const isSent = state !== undefined && file === sent;
  const asksWhich = lines > 0 && !isSent;
  return (
    <Paper withBorder p="md" component="section" aria-label={t('Add recipients')}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          setTried(true);
          if (file === null || isRunning || isSent || (asksWhich && which === '')) return;
          start(file, which === 'same' ? 0 : lines);
        }}
      >
        <Stack gap="sm">
          <Title order={2} size="h4">
            {t('Add recipients')}
          </Title>
          <FileInput
            label={t('File with a line of JSON for each recipient')}
            description={t('Such as {example}, with one of user_id, email and phone', { example: EXAMPLE })}
            placeholder={t('Choose a file')}
            error={isTried && file === null && t('Choose a file.')}
            value={file}
            onChange={(chosen) => {
              setFile(chosen);
              setWhich('');
            }}
            maw={520}
            fileInputProps={{ 'data-testid': 'upload-file' } as object}
          />
          {asksWhich && (
            <Radio.Group
              label={t('The batch has {lines, number} lines', { lines })}
              value={which}
              onChange={(value) => setWhich(value as typeof which)}
              error={isTried && which === '' && t('Choose one.')}
            >
              <Stack gap={6} mt={6}>
                <Radio
                  value="same"
                  label={t('It is the same file: go on after its first {lines, number} lines', { lines })}
                  data-testid="upload-same"
                />
                <Radio value="other" label={t('It is another file: add all of its lines')} data-testid="upload-other" />
              </Stack>
            </Radio.Group>
          )}
          <Group gap="xs">
            {!isSent && (
              <Button type="submit" size="xs" variant="default" aria-disabled={isRunning} data-testid="upload-start">
                {t('Upload')}
              </Button>
            )}
            {isRunning && (
              <Button size="xs" variant="default" onClick={stop} data-testid="upload-stop">
                {t('Stop')}
              </Button>
            )}
            {isSent && (state.status === 'stopped' || state.status === 'failed') && (
              <Button size="xs" variant="default" onClick={resume} data-testid="upload-resume">
                {t('Go on')}
              </Button>
            )}
          </Group>
          {state !== undefined && <UploadProgress id={id} state={state} />}
        </Stack>
      </form>
    </Paper>
  );
}

const WORDS: Record<UploadState['status'], string> = {
  running: t('Being uploaded'),
  stopped: t('Stopped; what was stored stays'),
  failed: t('Interrupted; what was stored stays'),
  done: t('Uploaded'),
};

function UploadProgress({ id, state }: { id: string; state: UploadState }) {
  const { status, share, stored, rejected, empty, errors, problem } = state;
  const percent = Math.round(100 * (status === 'done' ? 1 : share));
  return (
    <Stack gap="xs" data-testid="upload" data-status={status}>
      <Progress value={percent} aria-label={t('{percent}% of the file', { percent })} />
      <Text size="sm" role="status" data-testid="upload-status">
        {WORDS[status]}: {t('{stored, number} lines stored', { stored })}
        {rejected > 0 && `, ${t('{rejected, number} of them rejected', { rejected })}`}
        {empty > 0 && `, ${t('{empty, number} empty', { empty })}`}
      </Text>
      {problem !== null && <ProblemView problem={problem} />}
      {errors.length > 0 && (
        <div>
          <Text size="sm" fw={600}>
            {t('Rejected lines')}
          </Text>
          <ul className="job-groups" data-testid="upload-errors">
            {errors.map(({ line, code, message }) => (
              <li key={line}>
                <Text size="sm" className="break">
                  <T
                    text="Line {line}: {message} {code}"
                    values={{ line: line + 1, message, code: <span className="name">{code}</span> }}
                  />
                </Text>
              </li>
            ))}
          </ul>
          {rejected > errors.length && (
            <Text size="sm">
              <a href={linkToBatch(id, 'rejected')}>{t('All {rejected, number} of them', { rejected })}</a>
            </Text>
          )}
        </div>
      )}
    </Stack>
  );
}
