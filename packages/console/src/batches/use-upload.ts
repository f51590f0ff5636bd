import { useQueryClient } from '@tanstack/react-query';
import { useEffect, useRef, useState } from 'react';
import { addRecipients, getBatch, type LineError } from '../api/batches.ts';
import { readParts } from './file-parts.ts';

/** Errors that are shown; the results of the batch have all of them. */
const MAX_ERRORS = 100;

export interface UploadState {
  readonly status: 'running' | 'stopped' | 'failed' | 'done';
  /** Part of the file that the batch has, from 0 to 1. */
  readonly share: number;
  readonly stored: number;
  readonly rejected: number;
  readonly empty: number;
  /** The first MAX_ERRORS of the lines that were rejected. */
  readonly errors: readonly LineError[];
  readonly problem: Error | null;
}

interface Upload {
  /** Undefined before the first one. */
  readonly state: UploadState | undefined;
  /** File that is being sent, or was sent last; null before the first one. */
  readonly file: File | null;
  /** Sends a file. `base`: lines of the batch before the first line of this file. */
  readonly start: (file: File, base: number) => void;
  readonly stop: () => void;
  /** Goes on with the file that was stopped, where the batch ends. */
  readonly resume: () => void;
}

const BEGUN: UploadState = {
  status: 'running',
  share: 0,
  stored: 0,
  rejected: 0,
  empty: 0,
  errors: [],
  problem: null,
};

/** Sends a file of recipients to a batch, a part after the other, and can go on after a failure: no line is stored twice. */
export function useUpload(batchId: string): Upload {
  const queries = useQueryClient();
  const [state, setState] = useState<UploadState>();
  const current = useRef<{ file: File; base: number; abort: AbortController }>(null);
  useEffect(() => () => current.current?.abort.abort(), []);

  const run = async (file: File, base: number) => {
    const abort = new AbortController();
    current.current = { file, base, abort };
    setState((before) => ({ ...(before ?? BEGUN), status: 'running', problem: null }));
    try {
      // Asked also after a failure: whether the last part arrived is not known then.
      let { lines: offset } = await getBatch(batchId);
      for await (const part of readParts(file, offset - base)) {
        if (abort.signal.aborted) break;
        const added = await addRecipients(batchId, part.text, offset, abort.signal);
        offset = added.offset;
        setState((before = BEGUN) => ({
          ...before,
          share: file.size === 0 ? 1 : Math.min(1, part.bytes / file.size),
          stored: before.stored + added.stored,
          rejected: before.rejected + added.rejected,
          empty: before.empty + added.empty,
          errors: [...before.errors, ...added.errors].slice(0, MAX_ERRORS),
        }));
        void queries.invalidateQueries({ queryKey: ['batches'] });
      }
      setState((before = BEGUN) => ({ ...before, status: abort.signal.aborted ? 'stopped' : 'done' }));
    } catch (error) {
      if (abort.signal.aborted) setState((before = BEGUN) => ({ ...before, status: 'stopped' }));
      else setState((before = BEGUN) => ({ ...before, status: 'failed', problem: error as Error }));
    } finally {
      void queries.invalidateQueries({ queryKey: ['batches'] });
      void queries.invalidateQueries({ queryKey: ['batch-results', batchId] });
    }
  };
  return {
    state,
    file: current.current?.file ?? null,
    start: (file, base) => {
      setState(undefined);
      void run(file, base);
    },
    stop: () => current.current?.abort.abort(),
    resume: () => {
      if (current.current !== null) void run(current.current.file, current.current.base);
    },
  };
}
