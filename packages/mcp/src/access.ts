/** Text of catalog files by their path in the folder of the catalog: `events.yaml`, `templates/WELCOME/email.en.txt`. */
export type Files = { readonly [path: string]: string };

/** Operations of Tidings that the tools call. Each rejects with an Error; one with a `problem` document has its code. */
export interface TidingsAccess {
  /** Calls the API of the running Tidings. @param path from `/api/v1/` on */
  get(path: string): Promise<unknown>;
  post(path: string, body?: object): Promise<unknown>;
  /** Lists errors and warnings. @param files undefined, as below: the catalog folder that the server was started for */
  checkCatalog(files: Files | undefined): Promise<unknown>;
  /** Replays stored events under a catalog. */
  backtest(query: {
    readonly since: string;
    readonly until?: string | undefined;
    readonly user?: string | undefined;
    readonly files: Files | undefined;
  }): Promise<unknown>;
  /** Decides events in a virtual clock and renders the messages; sends nothing. */
  preview(events: readonly object[], files: Files | undefined): Promise<unknown>;
}
