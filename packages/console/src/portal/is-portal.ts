/** Whether this page is the webhook portal, which has a session of its own. It has no link to any other page. */
export const isPortal = /^\/console\/portal(\/|$)/.test(location.pathname);
