import { Connection, type ConnectionOptions } from './connection.ts';
import { type InboxProblem, toProblem } from './problem.ts';
import type { PreferenceChange, Preferences } from './types.ts';

/** The preferences of a user, without a user interface. Opens no stream. */
export class PreferencesClient<Events extends { problem: InboxProblem } = { problem: InboxProblem }> {
  protected readonly connection: Connection;
  readonly #listeners = new Map<keyof Events, Set<(value: never) => void>>();

  constructor(options: ConnectionOptions) {
    this.connection = new Connection(options);
  }

  start(): Promise<void> {
    return Promise.resolve();
  }

  stop(): void {}

  /** Calls a listener at each event. Returns how to end that. */
  on<Name extends keyof Events>(name: Name, listener: (value: Events[Name]) => void): () => void {
    const listeners = this.#listeners.get(name) ?? new Set();
    this.#listeners.set(name, listeners.add(listener));
    return () => void listeners.delete(listener);
  }

  /** @throws InboxProblem */
  loadPreferences(): Promise<Preferences> {
    return this.request('GET', '/preferences');
  }

  /** Changes preferences; null takes a choice back. @throws InboxProblem */
  changePreferences(change: PreferenceChange): Promise<Preferences> {
    return this.request('PATCH', '/preferences', change);
  }

  protected async request<T>(method: string, path: string, body?: unknown): Promise<T> {
    try {
      return await this.connection.request<T>(method, path, body);
    } catch (error) {
      const problem = toProblem(error, 'bad_response');
      this.emit('problem', problem);
      throw problem;
    }
  }

  protected emit<Name extends keyof Events>(name: Name, value: Events[Name]): void {
    for (const listener of this.#listeners.get(name) ?? []) (listener as (value: Events[Name]) => void)(value);
  }
}
