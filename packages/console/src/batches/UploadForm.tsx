import { Button, FileInput, Group, Paper, Progress, Radio, Stack, Text, Title } from '@mantine/core';
import type { Batch } from '@tidings/client/types';
import { useState } from 'react';
import { count } from '../jobs/job-text.ts';
import { linkToBatch } from '../route.ts';
import { ProblemView } from '../shell/ProblemView.tsx';
import { type UploadState, useUpload } from './use-upload.ts';

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
    <Paper withBorder p="md" component="section" aria-label="Add recipients">
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
            Add recipients
          </Title>
          <FileInput
            label="File with a line of JSON for each recipient"
            description={'Such as {"user_id":"u1","variables":{"name":"Maria"}}, with one of user_id, email and phone'}
            placeholder="Choose a file"
            error={isTried && file === null && 'Choose a file.'}
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
              label={`The batch has ${count(lines)} lines`}
              value={which}
              onChange={(value) => setWhich(value as typeof which)}
              error={isTried && which === '' && 'Choose one.'}
            >
              <Stack gap={6} mt={6}>
                <Radio
                  value="same"
                  label={`It is the same file: go on after its first ${count(lines)} lines`}
                  data-testid="upload-same"
                />
                <Radio value="other" label="It is another file: add all of its lines" data-testid="upload-other" />
              </Stack>
            </Radio.Group>
          )}
          <Group gap="xs">
            {!isSent && (
              <Button type="submit" size="xs" variant="default" aria-disabled={isRunning} data-testid="upload-start">
                Upload
              </Button>
            )}
            {isRunning && (
              <Button size="xs" variant="default" onClick={stop} data-testid="upload-stop">
                Stop
              </Button>
            )}
            {isSent && (state.status === 'stopped' || state.status === 'failed') && (
              <Button size="xs" variant="default" onClick={resume} data-testid="upload-resume">
                Go on
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
  running: 'Being uploaded',
  stopped: 'Stopped; what was stored stays',
  failed: 'Interrupted; what was stored stays',
  done: 'Uploaded',
};

function UploadProgress({ id, state }: { id: string; state: UploadState }) {
  const { status, share, stored, rejected, empty, errors, problem } = state;
  const percent = Math.round(100 * (status === 'done' ? 1 : share));
  return (
    <Stack gap="xs" data-testid="upload" data-status={status}>
      <Progress value={percent} aria-label={`${percent}% of the file`} />
      <Text size="sm" role="status" data-testid="upload-status">
        {WORDS[status]}: {count(stored)} lines stored
        {rejected > 0 && `, ${count(rejected)} of them rejected`}
        {empty > 0 && `, ${count(empty)} empty`}
      </Text>
      {problem !== null && <ProblemView problem={problem} />}
      {errors.length > 0 && (
        <div>
          <Text size="sm" fw={600}>
            Rejected lines
          </Text>
          <ul className="job-groups" data-testid="upload-errors">
            {errors.map(({ line, code, message }) => (
              <li key={line}>
                <Text size="sm" className="break">
                  Line {line + 1}: {message} <span className="name">{code}</span>
                </Text>
              </li>
            ))}
          </ul>
          {rejected > errors.length && (
            <Text size="sm">
              <a href={linkToBatch(id, 'rejected')}>All {count(rejected)} of them</a>
            </Text>
          )}
        </div>
      )}
    </Stack>
  );
}
