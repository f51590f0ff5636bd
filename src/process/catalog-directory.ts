import type pg from 'pg';
import type { Logger } from 'pino';
import type { CatalogCache } from '../catalog/cache.ts';
import { fingerprintCatalog, watchCatalog } from '../catalog/load/watch-catalog.ts';
import { applyCatalogDirectory } from '../catalog/stored/apply-directory.ts';
import type { Config } from '../config.ts';
import { CatalogError, TidingsError } from '../errors.ts';
import { type DirectoryProblem, WAITS_FOR_RELEASE } from '../health/catalog-check.ts';
import type { Millis } from '../model/event.ts';
import type { Cleanup } from './cleanup.ts';

export interface CatalogDirectoryOptions {
  readonly pool: pg.Pool;
  readonly catalogs: CatalogCache;
  readonly config: Config;
  readonly clock: () => Millis;
  readonly log: Logger;
  /** Pause (ms) between two tries of a directory that is not watched, and waits for a release. Default: RETRY_MS. */
  readonly retry?: Millis;
}

const RETRY_MS: Millis = 5000;

/** The catalog directory of the tenant of a process: applied at start, and after each change if it is watched. */
export class CatalogDirectory {
  readonly #options: CatalogDirectoryOptions;
  #problem: DirectoryProblem | undefined;

  constructor(options: CatalogDirectoryOptions) {
    this.#options = options;
  }

  /** Why the latest change is not applied; undefined: it is. */
  get problem(): DirectoryProblem | undefined {
    return this.#problem;
  }

  /** Applies the directory, and follows its changes from then on. */
  async follow(cleanup: Cleanup): Promise<void> {
    const { config, clock, log } = this.#options;
    const since = config.watchCatalog ? await fingerprintCatalog(config.catalogDir) : '';
    const isApplied = await this.#applyAtStart();
    if (!config.watchCatalog) {
      if (!isApplied) cleanup.push(this.#applyAfterRelease());
      return;
    }
    const stop = await watchCatalog(
      config.catalogDir,
      async () => {
        const cause = await this.#reapply();
        this.#problem = cause === undefined ? undefined : { since: clock(), cause };
      },
      {
        // A directory that waits for a release is tried again.
        since: isApplied ? since : '',
        onError: (error) => {
          if (isReleaseUnderWay(error)) return this.#noteRelease(error);
          const cause = 'the catalog directory has changed, and could not be applied';
          this.#problem ??= { since: clock(), cause };
          log.error({ err: error }, 'The catalog has changed but could not be applied; will retry.');
        },
      },
    );
    cleanup.push(stop);
  }

  /** Applies the directory. A release that is under way is not disturbed: then it returns false. */
  async #applyAtStart(): Promise<boolean> {
    const { log } = this.#options;
    try {
      const { version, isOther, release } = await this.#apply();
      if (release) log.warn(describeReleased(release, version));
      else if (isOther)
        log.warn(`The catalog directory has not changed; version ${version}, which was activated since, stays active.`);
      return true;
    } catch (error) {
      if (!isReleaseUnderWay(error)) throw error;
      this.#noteRelease(error);
      return false;
    }
  }

  /** Says once that the directory waits for a release. */
  #noteRelease({ message }: Error): void {
    const { clock, log } = this.#options;
    if (this.#problem?.cause === WAITS_FOR_RELEASE) return;
    this.#problem = { since: clock(), cause: WAITS_FOR_RELEASE };
    log.warn(`The catalog directory has changed, and is applied when the release has ended. ${message}`);
  }

  /** Tries a directory again that is not watched, until it is applied. Returns what ends that. */
  #applyAfterRelease(): () => void {
    const { clock, log, retry = RETRY_MS } = this.#options;
    let isBusy = false;
    const timer = setInterval(async () => {
      if (isBusy) return;
      isBusy = true;
      try {
        const cause = await this.#reapply();
        this.#problem = cause === undefined ? undefined : { since: clock(), cause };
        clearInterval(timer);
      } catch (error) {
        if (!isReleaseUnderWay(error))
          log.error({ err: error }, 'The catalog directory could not be applied; will retry.');
      }
      isBusy = false;
    }, retry);
    return () => clearInterval(timer);
  }

  #apply(): ReturnType<typeof applyCatalogDirectory> {
    const { pool, catalogs, config, clock } = this.#options;
    return applyCatalogDirectory({ pool, catalogs, tenantId: config.tenant }, config.catalogDir, clock());
  }

  /**
   * Applies the directory after a change. An invalid catalog changes nothing.
   * @returns why it is not applied; undefined: it is
   * @throws error of the database: it is worth another try
   */
  async #reapply(): Promise<string | undefined> {
    const { log } = this.#options;
    try {
      const { version, changed, release } = await this.#apply();
      if (release) log.warn(describeReleased(release, version));
      if (changed) log.info(`The catalog has changed: version ${version} is active.`);
      return undefined;
    } catch (error) {
      if (!(error instanceof CatalogError)) throw error;
      log.error(`The catalog is not valid; the active version stays.\n${error.message}`);
      return 'the catalog directory has changed, and is not valid';
    }
  }
}

function isReleaseUnderWay(error: unknown): error is TidingsError {
  return error instanceof TidingsError && error.code === 'release_under_way';
}

function describeReleased(release: 'under_way' | 'rolled_back', version: number): string {
  return release === 'under_way'
    ? `The catalog directory is being released: version ${version} decides about all other users until the release is finished.`
    : `The catalog directory was released, and rolled back: version ${version} stays active. Change the directory, or apply it by \`tidings apply\`.`;
}
