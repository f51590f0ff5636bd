/** Number of times that stand-ins accepted each message, by notification and recipient. */
export class Tally {
  readonly #accepted = new Map<string, number>();
  /** Requests in which no id of a notification was found: mistakes of the test. */
  unknown = 0;
  requests = 0;

  /** @param address token of the device, path of the endpoint, or the name of a channel with one address for each user */
  accept(notificationId: string | undefined, address: string): void {
    if (notificationId === undefined) {
      this.unknown++;
      return;
    }
    const key = `${notificationId} ${address}`;
    this.#accepted.set(key, (this.#accepted.get(key) ?? 0) + 1);
  }

  count(notificationId: string, address: string): number {
    return this.#accepted.get(`${notificationId} ${address}`) ?? 0;
  }

  /** Messages that were accepted, and how often in all. */
  get totals(): { readonly messages: number; readonly accepted: number } {
    let accepted = 0;
    for (const count of this.#accepted.values()) accepted += count;
    return { messages: this.#accepted.size, accepted };
  }
}
