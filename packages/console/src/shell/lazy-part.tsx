import { type ComponentType, type ReactNode, Suspense, use, useState } from 'react';
import { ErrorBoundary } from './ErrorBoundary.tsx';
import { LoadError } from './load-error.ts';

/**
 * Returns a part of the console that is a file of its own, loaded when it is shown first. If that fails, the boundary around it says
 * so, and it is loaded again when the boundary shows it again. (The `lazy` of React would keep the failure for good.)
 */
export function lazyPart<Name extends string, Props extends object>(
  load: () => Promise<{ readonly [name in Name]: ComponentType<Props> }>,
  name: Name,
): ComponentType<Props> {
  let loading: Promise<ComponentType<Props>> | null = null;
  const begin = () => {
    const own = load().then(
      (file) => file[name],
      (cause) => {
        throw new LoadError(cause, () => {
          if (loading === own) loading = null;
        });
      },
    );
    return own;
  };
  return (props) => {
    loading ??= begin();
    const Part = use(loading);
    return <Part {...props} />;
  };
}

/** Place of a lazy part in a page: the rest of the page stays as it is when the part cannot be loaded. */
export function LazyPlace({ fallback = null, inBar = false, children }: LazyPlaceProps) {
  return (
    <ErrorBoundary place={inBar ? 'bar' : 'part'}>
      <Suspense fallback={fallback}>{children}</Suspense>
    </ErrorBoundary>
  );
}

interface LazyPlaceProps {
  readonly fallback?: ReactNode;
  /** True in the header, which has room for a button only. */
  readonly inBar?: boolean;
  readonly children: ReactNode;
}

interface LazyDialogProps {
  readonly opened: boolean;
  readonly onClose: () => void;
  readonly children: ReactNode;
}

/** Place of a dialog, which is loaded when it is opened first, and stays: so it can fade out. */
export function LazyDialog({ opened, onClose, children }: LazyDialogProps) {
  const [wasOpened, setWasOpened] = useState(opened);
  if (opened && !wasOpened) setWasOpened(true);
  if (!wasOpened) return null;
  const giveUp = () => {
    setWasOpened(false);
    onClose();
  };
  return (
    <ErrorBoundary place="dialog" onClose={giveUp}>
      <Suspense fallback={null}>{children}</Suspense>
    </ErrorBoundary>
  );
}
