/** Sends to endpoints that run at once, in one process. */
export const MAX_CONCURRENT_SENDS = 100;
