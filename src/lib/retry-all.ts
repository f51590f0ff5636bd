/** Answer to a request that retries a part of what has failed. */
interface Retried {
  readonly retried: number;
  readonly has_more: boolean;
  /** The time until which things had to have failed. */
  readonly ended_until: string;
}

/**
 * Makes a request again and again until it has retried all that had failed at the first one. What fails again meanwhile is left as it
 * is: otherwise it would go on for as long as things fail. Returns how many were retried.
 */
export async function retryAll(request: (endedUntil: string | undefined) => Promise<Retried>): Promise<number> {
  let sum = 0;
  for (let endedUntil: string | undefined; ; ) {
    const { retried, has_more: hasMore, ended_until: until } = await request(endedUntil);
    sum += retried;
    if (!hasMore) return sum;
    endedUntil = until;
  }
}
