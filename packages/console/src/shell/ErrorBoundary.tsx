import { Button } from '@mantine/core';
import { Component, type ReactNode } from 'react';
import { Problem } from '../api/call.ts';
import { t } from '../text/text.ts';
import { askVersion, LoadError } from './load-error.ts';
import { ProblemView } from './ProblemView.tsx';

interface Props {
  /** A whole page, a part of one, a part of the header (which has room for a button only), or a dialog. */
  readonly place?: 'page' | 'part' | 'bar' | 'dialog';
  /** Closes the notice in the place of a dialog. */
  readonly onClose?: () => void;
  readonly children: ReactNode;
}

interface State {
  readonly error: Error | null;
  /** Whether the server is there after a script could not be loaded; see askVersion. */
  readonly version: Awaited<ReturnType<typeof askVersion>>;
}

/** Pause in ms after which a server that is away is asked again. */
const AWAY_MS = 5000;

/** Shows a problem instead of a blank page if the console itself fails to load or render a page or a part of it. */
export class ErrorBoundary extends Component<Props, State> {
  override state: State = { error: null, version: null };

  static getDerivedStateFromError(error: Error): Partial<State> {
    return { error };
  }

  override componentDidCatch(error: Error) {
    if (error instanceof LoadError) void this.ask(error, false);
  }

  /** Asks until the server is there. What it did not send because it was away is loaded again then. */
  private async ask(error: LoadError, wasAway: boolean): Promise<void> {
    const version = await askVersion();
    if (this.state.error !== error) return;
    if (version === 'same' && wasAway) return this.retry();
    this.setState({ version });
    if (version === null) setTimeout(() => this.state.error === error && this.ask(error, true), AWAY_MS);
  }

  override componentWillUnmount() {
    this.forget();
    this.state = { error: null, version: null };
  }

  private forget() {
    if (this.state.error instanceof LoadError) this.state.error.forget();
  }

  private readonly retry = () => {
    this.forget();
    this.setState({ error: null, version: null });
  };

  override render() {
    const { place = 'page', onClose, children } = this.props;
    const { error, version } = this.state;
    if (error === null) return children;
    const problem = toProblem(error, version, place === 'page');
    if (place === 'bar') {
      return (
        <Button size="compact-md" color="red" variant="light" title={problem.title} onClick={this.retry}>
          {t('Retry')}
        </Button>
      );
    }
    const isLoading = error instanceof LoadError;
    const view = (
      <ProblemView problem={problem} {...(version !== 'other' && { retry: this.retry })}>
        {isLoading && version !== null && (
          <Button size="xs" variant="default" onClick={() => location.reload()}>
            {t('Reload the page')}
          </Button>
        )}
        {onClose && (
          <Button size="xs" variant="default" onClick={onClose}>
            {t('Close')}
          </Button>
        )}
      </ProblemView>
    );
    return place === 'dialog' ? <div className="part-problem">{view}</div> : view;
  }
}

function toProblem(error: Error, version: State['version'], isPage: boolean): Problem {
  if (error instanceof LoadError) {
    return version === 'other'
      ? new Problem(
          0,
          t('A new version of the console is there'),
          t('This page is of an earlier version, whose parts can no longer be loaded. Reload the page to go on.'),
          'console',
        )
      : new Problem(
          0,
          isPage ? t('This page could not be loaded') : t('This part could not be loaded'),
          t('The server did not send it. Stored data is not affected.'),
          'console',
        );
  }
  return new Problem(
    0,
    isPage ? t('This page cannot be displayed') : t('This part cannot be displayed'),
    t('The console failed to display it. Stored data is not affected. Retry, or reload the page.'),
    'console',
  );
}
