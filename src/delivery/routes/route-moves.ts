import { LRUCache } from 'lru-cache';
import type pg from 'pg';
import type { Logger } from 'pino';
import { writeNotice } from '../../channels/internal/notices.ts';
import type { Provider } from '../../channels/provider.ts';
import type { Channel } from '../../model/delivery.ts';
import type { Millis } from '../../model/event.ts';
import { listRouteMoves, MOVE_PAUSE_MS, type MoveStep, moveRoute, type RouteMove } from '../../store/route-moves.ts';
import { isoTime } from '../../time/iso-time.ts';
import { getRouteName } from './rank-accounts.ts';

/** Time in ms after which moves of other processes are read again, while there are accounts to choose from. */
const MAX_AGE_MS: Millis = 2000;
/** Routes of which it is remembered until when they cannot be moved. */
const MAX_PAUSED = 10_000;

/** Percent of its messages that an account keeps while it fails: by them its recovery is noticed. */
export const FAILING_SHARE = 10;
/** Percent that it has for a while when it works again. */
const RECOVERING_SHARE = 50;

/** A route of a tenant. */
export interface RouteKey {
  readonly tenantId: string;
  readonly channel: Channel;
}

export interface RouteMovesOptions {
  readonly pool: pg.Pool;
  readonly clock: () => Millis;
  /** A monotonic clock in ms. */
  readonly elapsed: () => Millis;
  readonly log: Logger;
}

/**
 * Messages that are moved away from accounts that fail, in steps of their share: FAILING_SHARE, and later back over
 * RECOVERING_SHARE to all. All processes share the moves; a route is moved once in MOVE_PAUSE_MS at most, whatever happens.
 */
export class RouteMoves {
  readonly #options: RouteMovesOptions;
  #moves: ReadonlyMap<string, RouteMove> = new Map();
  #readAt = Number.NEGATIVE_INFINITY;
  #reading: Promise<void> | undefined;
  /** When each route can be moved again, by the wall clock. */
  readonly #pausedUntil = new LRUCache<string, Millis>({ max: MAX_PAUSED });
  readonly #moving = new Map<string, Promise<boolean>>();

  constructor(options: RouteMovesOptions) {
    this.#options = options;
  }

  /** Reads the moves of other processes if they were not read lately. A promise only for the first time. */
  refresh(): Promise<void> | undefined {
    const isFirst = this.#readAt === Number.NEGATIVE_INFINITY;
    if (this.#options.elapsed() - this.#readAt < MAX_AGE_MS) return undefined;
    this.#reading ??= this.#read().finally(() => {
      this.#reading = undefined;
    });
    if (isFirst) return this.#reading;
    this.#reading.catch((error) => this.#options.log.warn({ err: error }, 'moves of routes could not be read'));
    return undefined;
  }

  async #read(): Promise<void> {
    const moves = await listRouteMoves(this.#options.pool, null);
    this.#moves = new Map(moves.map((move) => [toKey(move, move.account), move]));
    this.#readAt = this.#options.elapsed();
  }

  /** Returns the move of an account; undefined: it has all of its messages. */
  find(route: RouteKey, provider: Provider): RouteMove | undefined {
    const move = this.#moves.get(toKey(route, getRouteName(provider)));
    return move && move.share < 100 ? move : undefined;
  }

  /** Returns the percent of its messages that an account keeps. */
  getShare(route: RouteKey, provider: Provider): number {
    return this.find(route, provider)?.share ?? 100;
  }

  /** Moves messages away from an account that fails. Returns whether it is moved: not, if the route was moved lately. */
  moveAway(route: RouteKey, provider: Provider, cause: string): boolean | Promise<boolean> {
    return this.#move(route, provider, FAILING_SHARE, cause);
  }

  /** Gives an account that works again a step of its messages back, if its time has come. Does not wait for it. */
  moveBack(route: RouteKey, provider: Provider): void {
    const move = this.find(route, provider);
    if (!move || move.movedAt > this.#options.clock() - MOVE_PAUSE_MS) return;
    const share = move.share < RECOVERING_SHARE ? RECOVERING_SHARE : 100;
    const moved = this.#move(route, provider, share, move.cause);
    if (moved instanceof Promise)
      moved.catch((error) => this.#options.log.warn({ err: error }, 'messages could not be moved back'));
  }

  #move(route: RouteKey, provider: Provider, share: number, cause: string): boolean | Promise<boolean> {
    const key = toKey(route, '');
    if ((this.#pausedUntil.get(key) ?? Number.NEGATIVE_INFINITY) > this.#options.clock()) return false;
    const known = this.#moving.get(key);
    if (known) return known;
    const moving = this.#moveNow(route, getRouteName(provider), share, cause).finally(() => this.#moving.delete(key));
    this.#moving.set(key, moving);
    return moving;
  }

  async #moveNow({ tenantId, channel }: RouteKey, account: string, share: number, cause: string): Promise<boolean> {
    const { pool, clock, log } = this.#options;
    const now = clock();
    const { movedAt, step } = await moveRoute(pool, { tenantId, channel, account, share, cause }, now);
    this.#pausedUntil.set(toKey({ tenantId, channel }, ''), movedAt + MOVE_PAUSE_MS);
    // A move of another process is known from then on.
    await this.#read();
    if (step === undefined) return false;
    const line = { tenant_id: tenantId, channel, account, share, cause, next_move_at: isoTime(now + MOVE_PAUSE_MS) };
    writeNotice(log, step, line, SENTENCES[step]);
    return true;
  }
}

const SENTENCES: { readonly [step in MoveStep]: string } = {
  'route.moved': 'messages are moved away from an account that fails',
  'route.returning': 'some messages are moved back to an account that works again',
  'route.restored': 'all messages are moved back to an account that works again',
};

function toKey({ tenantId, channel }: RouteKey, account: string): string {
  return `${tenantId} ${channel} ${account}`;
}
