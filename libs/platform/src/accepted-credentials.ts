import { type Credential, readAcceptedCredentials, readCredentialSettings } from './credentials.js';
import { FileWatch } from './file-watch.js';

type Log = (level: 'info' | 'warn', message: string) => void;

/** Whom this process lets in: `PACER_CREDENTIALS_FILE`, read again when it changes, and `PACER_CREDENTIALS`. */
export class AcceptedCredentials {
  private known: readonly Credential[];
  private readonly watch: FileWatch | undefined;

  /** Throws {@link ConfigError} for what cannot be used. */
  constructor(
    private readonly log: Log,
    private readonly environment = readCredentialSettings(),
  ) {
    this.known = readAcceptedCredentials(environment);
    const { PACER_CREDENTIALS_FILE: file } = environment;
    this.watch = file ? new FileWatch([file], () => this.reload()) : undefined;
  }

  /** What the file held when it could last be used; another list after each change. */
  get current(): readonly Credential[] {
    return this.known;
  }

  close(): void {
    this.watch?.close();
  }

  /** A file that is gone or empty does not open the door: the former go on. */
  private reload(): void {
    try {
      this.known = readAcceptedCredentials(this.environment);
      this.log('info', `the credentials have changed: ${this.known.length} are accepted`);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      this.log('warn', `the credentials have changed, but the former go on: ${reason}`);
    }
  }
}
