import type { CallOptions } from '../connection.ts';
import { Resource } from '../resource.ts';
import type { ParkedChoice, ParkedPage, ParkedResult, SinkPage, SinkState } from '../types.ts';

/** Kafka topics that are written, which the catalog has. The name of a topic for dead letters is that of the topic. */
export class Sinks extends Resource {
  /** Lists the topics, and what waits for each. */
  list(options?: CallOptions): Promise<SinkPage> {
    return this.request('get', '/api/v1/sinks', {}, options);
  }

  /** Stops writing a topic; its messages wait. */
  pause(name: string, options?: CallOptions): Promise<SinkState> {
    return this.request('post', '/api/v1/sinks/{name}/pause', { path: { name } }, options);
  }

  /** Writes a paused topic again. */
  resume(name: string, options?: CallOptions): Promise<SinkState> {
    return this.request('post', '/api/v1/sinks/{name}/resume', { path: { name } }, options);
  }

  /** Lists messages that were set aside, because the brokers do not take them. */
  listParked(name: string, options?: CallOptions): Promise<ParkedPage> {
    return this.request('get', '/api/v1/sinks/{name}/parked', { path: { name } }, options);
  }

  /** Sends messages that were set aside once more, at most 1000; `has_more`: call again with the `parked_until` of the answer. */
  retryParked(name: string, choice: ParkedChoice = {}, options?: CallOptions): Promise<ParkedResult> {
    return this.request('post', '/api/v1/sinks/{name}/parked/retry', { path: { name }, body: choice }, options);
  }

  /** Deletes messages that were set aside, at most 1000; `has_more`: call again with the `parked_until` of the answer. */
  discardParked(name: string, choice: ParkedChoice = {}, options?: CallOptions): Promise<ParkedResult> {
    return this.request('post', '/api/v1/sinks/{name}/parked/discard', { path: { name }, body: choice }, options);
  }
}
