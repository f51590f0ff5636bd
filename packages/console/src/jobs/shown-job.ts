import type { JsonObject } from '@tidings/client/types';
import { type ReactNode, useSyncExternalStore } from 'react';
import type { JobRequest } from '../api/jobs.ts';

export interface JobDialogProps {
  readonly request: JobRequest;
  /** On the button and as title of the dialog. */
  readonly label: string;
  readonly note: ReactNode;
  /** Asks for a correction: a merge patch, starting with this one, and an expression for the value at the path. */
  readonly correction?: { readonly patch: JsonObject; readonly path: string };
  /** Asks why, which becomes the name of the job. */
  readonly asksWhy?: boolean;
}

let shown: JobDialogProps | null = null;
const listeners = new Set<() => void>();

/** Opens the dialog of a job, or closes it; see JobDialogHost. */
export function openJobDialog(props: JobDialogProps | null): void {
  shown = props;
  for (const listener of listeners) listener();
}

/** Returns what the dialog of a job is about; rerenders the component when it changes. Null: it is closed. */
export function useShownJob(): JobDialogProps | null {
  return useSyncExternalStore(subscribe, () => shown);
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}
