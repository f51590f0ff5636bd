import type { Logger } from 'pino';
import type { FetchFiles } from '../channels/email/fetch-files.ts';
import type { SendOutcome, Target } from '../model/delivery.ts';
import { formatDeliveryId } from '../model/delivery-id.ts';
import type { Millis } from '../model/event.ts';
import type { DeliveryHoldCode } from '../model/hold-codes.ts';
import type { PlanCode } from '../model/plan-codes.ts';
import type { ClaimedDelivery, PlannedHold } from '../store/deliveries/claimed-delivery.ts';
import { isUnreachable } from '../store/pg/errors.ts';
import type { Capacity } from './capacity.ts';
import type { Circuits } from './circuits.ts';
import { completeMessage } from './complete-message.ts';
import type { Deadlines } from './deadlines.ts';
import {
  type DispatchResult,
  INTERNAL_ERROR_REASON,
  MAX_ACCOUNT_PAUSE_MS,
  RETURNED,
  returnUntil,
  type Unstarted,
} from './dispatch-result.ts';
import type { EmailPauses } from './email-pauses.ts';
import type { LeaseClock } from './lease-clock.ts';
import type { MessageRenderer } from './message-renderer.ts';
import type { MessageSender } from './message-sender.ts';
import type { PlanRecheck, RecheckedVerdict } from './plan-recheck.ts';
import type { AccountChooser, ChosenAccount } from './routes/choose-account.ts';
import { NO_ACCOUNT } from './routes/no-account.ts';
import type { SendTokens } from './send-tokens.ts';
import type { TargetFinder } from './target-finder.ts';

/** Pauses (ms) before deliveries come back that wait for their account: one with many waiting, or one that cannot be opened. */
const CROWDED_PAUSE_MS = 2000;
const ACCOUNTS_PAUSE_MS = 10_000;

export interface ExecutorOptions {
  readonly chooser: AccountChooser;
  readonly capacity: Capacity;
  readonly circuits: Circuits;
  readonly leases: LeaseClock;
  readonly deadlines: Deadlines;
  readonly targets: TargetFinder;
  readonly renderer: MessageRenderer;
  /** Fetches the files of a message. */
  readonly fetchFiles: FetchFiles;
  readonly sender: MessageSender;
  readonly pauses: EmailPauses;
  /** Asks the plan again. */
  readonly recheck: PlanRecheck;
  readonly tokens: SendTokens;
  readonly clock: () => Millis;
  /** Random numbers from 0 (inclusive) to 1 (exclusive), to spread what comes back later. */
  readonly random: () => number;
  readonly log: Logger;
  /** Receives the result of each attempt, to be recorded. */
  readonly onCompleted: (delivery: ClaimedDelivery, result: DispatchResult, startedAt: Millis) => void;
  /**
   * Receives a delivery that was not started, because its lease is not surely good, the database is away, or the circuit of
   * its domain is open. It is still held. `dueAt` is when it is due again; null: as before. `holdCode`: why it waits until then.
   * `plan`: what holds it, or drops it for good.
   */
  readonly onUnstarted: (
    delivery: ClaimedDelivery,
    dueAt: Millis | null,
    holdCode?: DeliveryHoldCode | PlanCode,
    plan?: PlannedHold,
  ) => void;
}

/**
 * Makes one attempt for each claimed delivery, as many at once as its provider allows:
 *
 *   plan ─▶ account ─▶ target ─▶ message ─▶ provider ─▶ outcome
 */
export class Executor {
  readonly #options: ExecutorOptions;

  constructor(options: ExecutorOptions) {
    this.#options = options;
  }

  /** Starts the attempt as soon as the provider of the delivery has a free slot, if the plan still lets it go. */
  submit(delivery: ClaimedDelivery): void {
    const { recheck, clock, onCompleted } = this.#options;
    const asked = recheck.ask(delivery);
    if (!asked) {
      this.#start(delivery);
      return;
    }
    asked.then(
      (found) => (found ? this.#hold(delivery, found) : this.#start(delivery)),
      (error) => {
        this.#logError(delivery, error);
        if (!isOver(delivery, clock())) this.#comeBack(delivery, ACCOUNTS_PAUSE_MS);
        else onCompleted(delivery, { provider: NO_ACCOUNT, outcome: NO_PLAN }, clock());
      },
    );
  }

  /** Returns a delivery that the plan holds or drops. Its attempt does not count. */
  #hold(delivery: ClaimedDelivery, found: RecheckedVerdict): void {
    const { tokens, onUnstarted } = this.#options;
    tokens.giveBack(delivery);
    onUnstarted(delivery, found.dueAt, found.verdict.code, found);
  }

  #start(delivery: ClaimedDelivery): void {
    const { chooser, pauses, tokens, clock, random, onUnstarted, onCompleted } = this.#options;
    const heldUntil = pauses.findHold(delivery, clock(), random());
    if (heldUntil !== undefined) {
      tokens.giveBack(delivery);
      if (isOver(delivery, clock())) onCompleted(delivery, { provider: NO_ACCOUNT, outcome: SENDING_PAUSED }, clock());
      else onUnstarted(delivery, Math.min(heldUntil, delivery.retryUntil), 'sending_paused');
      return;
    }
    const found = chooser.choose(delivery);
    if (!(found instanceof Promise)) {
      this.#queue(delivery, found);
      return;
    }
    found.then(
      (chosen) => this.#queue(delivery, chosen),
      (error) => {
        this.#logError(delivery, error);
        if (!isOver(delivery, clock())) this.#comeBack(delivery, ACCOUNTS_PAUSE_MS);
        else onCompleted(delivery, { provider: NO_ACCOUNT, outcome: NO_OPEN_ACCOUNT }, clock());
      },
    );
  }

  /** Lets a delivery wait for a slot of its provider, or come back later: one account does not take the room of the others. */
  #queue(delivery: ClaimedDelivery, chosen: ChosenAccount): void {
    const { provider, failure } = chosen;
    const { capacity, circuits, tokens, clock, onCompleted } = this.#options;
    const isLate = isOver(delivery, clock());
    // It waited for its account until its time was over: without this it would wait for good.
    const outcome = failure ?? (isLate ? circuits.findLoss(provider, delivery.retryUntil) : undefined);
    if (outcome) {
      tokens.giveBack(delivery);
      onCompleted(delivery, { provider, outcome }, clock());
      return;
    }
    // After its retry time it would come back at once, again and again: its last attempt ends it.
    const mayWait = provider.account !== undefined && !isLate;
    const pause = mayWait ? circuits.getPause(provider) : 0;
    if (pause > 0) this.#comeBack(delivery, Math.min(pause, MAX_ACCOUNT_PAUSE_MS), 'account_paused');
    else if (mayWait && capacity.isCrowded(provider, delivery.priority)) this.#comeBack(delivery, CROWDED_PAUSE_MS);
    else capacity.runInSlot(delivery, provider, () => this.#attempt(delivery, chosen));
  }

  /** Returns a delivery that was not started to the queue, due after about this pause, but not beyond its retry time. */
  #comeBack(delivery: ClaimedDelivery, pause: Millis, holdCode?: DeliveryHoldCode): void {
    const { clock, random, tokens, onUnstarted } = this.#options;
    tokens.giveBack(delivery);
    const now = clock();
    const dueAt = now + pause * (1 + random());
    onUnstarted(
      delivery,
      Math.round(now < delivery.retryUntil ? Math.min(delivery.retryUntil, dueAt) : dueAt),
      holdCode,
    );
  }

  async #attempt(delivery: ClaimedDelivery, chosen: ChosenAccount): Promise<void> {
    const { provider, choice, hasOthers = false } = chosen;
    const { capacity, clock, tokens, onCompleted, onUnstarted } = this.#options;
    const startedAt = clock();
    let result: DispatchResult | Unstarted;
    try {
      result = await this.#dispatch(delivery, chosen);
    } catch (error) {
      // Thrown before the provider was called: nothing was sent, and the provider is not to blame.
      if (isUnreachable(error)) result = RETURNED;
      else {
        this.#logError(delivery, error);
        result = { provider, outcome: { kind: 'retry', reason: INTERNAL_ERROR_REASON, fault: 'us' } };
      }
    }
    // A message that was not handed over leaves its tokens to others.
    if ('unstarted' in result || !result.message) tokens.giveBack(delivery);
    const more = { ...(choice === null ? {} : { choice }), hasOthers };
    if (!('unstarted' in result)) onCompleted(delivery, { ...result, ...more }, startedAt);
    else if (result.unstarted === 'lost') capacity.release(delivery);
    else onUnstarted(delivery, result.dueAt, result.holdCode);
  }

  /** Makes at most one call to the provider. Throws only before that call. */
  async #dispatch(delivery: ClaimedDelivery, chosen: ChosenAccount): Promise<DispatchResult | Unstarted> {
    const { leases, targets } = this.#options;
    const { provider } = chosen;
    if (!leases.isGood(delivery.lease)) return RETURNED;
    const found = await targets.find(delivery, provider);
    if ('unstarted' in found) return found;
    if ('outcome' in found) return { provider, ...found };
    const { target } = found;
    try {
      return await this.#sendTo(delivery, chosen, target);
    } finally {
      if (target.kind !== 'none') targets.release(delivery);
    }
  }

  async #sendTo(delivery: ClaimedDelivery, chosen: ChosenAccount, target: Target): Promise<DispatchResult | Unstarted> {
    const { provider } = chosen;
    const { renderer, fetchFiles, deadlines, sender, clock, random } = this.#options;
    const rendered = await renderer.render(delivery, provider);
    if ('outcome' in rendered) return { provider, ...rendered };
    const { message } = rendered;
    const completed = await completeMessage(delivery, message, provider, fetchFiles, deadlines);
    if (completed === 'busy') return returnUntil(clock() + CROWDED_PAUSE_MS * (1 + random()));
    if ('outcome' in completed) return { provider, message, ...completed };
    try {
      return await sender.send(delivery, chosen, { ...rendered, message: completed.message, target });
    } finally {
      completed.release?.();
    }
  }

  #logError(delivery: ClaimedDelivery, error: unknown): void {
    const line = { err: error, delivery_id: formatDeliveryId(delivery) };
    this.#options.log.error(line, 'an attempt failed with an internal error');
  }
}

const NO_OPEN_ACCOUNT: SendOutcome = {
  kind: 'retry',
  code: 'accounts_unopened',
  reason: 'the accounts of the tenant cannot be opened; see the log',
  fault: 'us',
};

const NO_PLAN: SendOutcome = {
  kind: 'retry',
  reason: 'the terms of its user cannot be read; see the log',
  fault: 'us',
};

const SENDING_PAUSED: SendOutcome = {
  kind: 'retry',
  code: 'sending_paused',
  reason: 'emails of its type or tenant are paused, because they bounce or are complained about too often',
  fault: 'account',
};

/** Whether no attempt of a delivery is scheduled from now on. */
function isOver({ retryUntil }: ClaimedDelivery, now: Millis): boolean {
  return now >= retryUntil;
}
