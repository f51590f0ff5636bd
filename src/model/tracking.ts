/** Kinds of finding out about the readers of an email by its own links: nothing, opens by a picture, clicks by links, or both. */
export const TRACKING = ['none', 'opens', 'clicks', 'all'] as const;
export type Tracking = (typeof TRACKING)[number];
