/** Answers that are looked at: the latest ones. */
const WINDOW = 100;
/** Answers from which a share means something, and the share of bad tokens above which the account itself is at fault. */
const MIN_ANSWERS = 20;
const MAX_SHARE = 0.2;

/**
 * Tells whether a token that was rejected is bad, or whether the account uses the wrong environment or topic, for which each
 * token is. Knows the latest answers of this process.
 */
export class BadTokenShare {
  readonly #answers: ('accepted' | 'bad')[] = [];

  accept(): void {
    this.#add('accepted');
  }

  /**
   * Adds a rejected token. Returns `account` if more than 20% of at least 20 answers are such; `token` if others were accepted;
   * `unknown` as long as none was.
   */
  reject(): 'account' | 'token' | 'unknown' {
    this.#add('bad');
    const bad = this.#answers.filter((answer) => answer === 'bad').length;
    if (this.#answers.length >= MIN_ANSWERS && bad / this.#answers.length > MAX_SHARE) return 'account';
    return bad < this.#answers.length ? 'token' : 'unknown';
  }

  #add(answer: 'accepted' | 'bad'): void {
    this.#answers.push(answer);
    if (this.#answers.length > WINDOW) this.#answers.shift();
  }
}
