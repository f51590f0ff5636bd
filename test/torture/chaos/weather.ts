import type { Random } from '../random.ts';

/** State of one stand-in, which changes every few seconds. */
const WEATHERS = ['fair', 'failing', 'hanging', 'throttling', 'lying'] as const;
type WeatherKind = (typeof WEATHERS)[number];

/** Answer to one request, and whether the stand-in takes the message. */
export interface Conduct {
  readonly accepts: boolean;
  readonly answer:
    | 'success'
    | 'failure'
    | 'unavailable'
    | 'throttle'
    | 'rejection'
    | 'hang'
    | 'reset'
    | 'cut'
    | 'page'
    | 'garbage';
}

const SUCCESS: Conduct = { accepts: true, answer: 'success' };
/** Part of the requests that the weather meets. */
const SHARE_IN_TROUBLE = 0.7;
const SHARE_REJECTED = 0.01;
const SHARE_TROUBLE_IN_FAIR = 0.02;

/** Decides what one stand-in does with each request. It may take a message and then not say so, but never says so without taking it. */
export class Weather {
  kind: WeatherKind = 'fair';
  readonly #random: Random;
  #isOver = false;

  constructor(random: Random) {
    this.#random = random;
  }

  /** Changes at random; fair half of the time. */
  change(): void {
    if (!this.#isOver) this.kind = this.#random.chance(0.5) ? 'fair' : this.#random.pick(WEATHERS);
  }

  /** From now on every request succeeds. */
  end(): void {
    this.#isOver = true;
    this.kind = 'fair';
  }

  next(): Conduct {
    const random = this.#random;
    if (this.#isOver) return SUCCESS;
    if (random.chance(SHARE_REJECTED)) return { accepts: false, answer: 'rejection' };
    const isFair = this.kind === 'fair';
    if (!random.chance(isFair ? SHARE_TROUBLE_IN_FAIR : SHARE_IN_TROUBLE)) return SUCCESS;
    switch (isFair ? random.pick(WEATHERS) : this.kind) {
      case 'fair':
        return { accepts: true, answer: 'reset' };
      case 'failing':
        return random.chance(0.5)
          ? { accepts: false, answer: 'unavailable' }
          : { accepts: random.chance(0.5), answer: 'failure' };
      case 'hanging':
        return { accepts: random.chance(0.5), answer: 'hang' };
      case 'throttling':
        return { accepts: false, answer: 'throttle' };
      case 'lying': {
        const answer = random.pick(['page', 'garbage', 'reset', 'cut'] as const);
        // The beginning of a success says enough.
        return { accepts: answer === 'cut' || random.chance(0.5), answer };
      }
    }
  }
}
