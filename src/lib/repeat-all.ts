/** Answer to a request that does a part of what there is to do. */
interface Part {
  readonly count: number;
  readonly has_more: boolean;
  /** The time until which things had to have failed; null: none had. */
  readonly until: string | null;
}

/**
 * Makes a request again and again until it has done all that had failed at the first one. What fails again meanwhile is left as it
 * is: otherwise it would go on for as long as things fail. Returns how much was done.
 */
export async function repeatAll(request: (until: string | undefined) => Promise<Part>): Promise<number> {
  let sum = 0;
  for (let until: string | undefined; ; ) {
    const part = await request(until);
    sum += part.count;
    if (!part.has_more) return sum;
    until = part.until ?? undefined;
  }
}
