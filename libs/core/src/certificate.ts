/** Certificates stored at most. */
export const MAX_CERTIFICATES = 1_000;

/** A certificate for the edge, with its key. Only routers are given `pem`; it is in no event and no log. */
export interface StoredCertificate {
  /** Unique; begins with a letter or a digit. */
  readonly name: string;
  /** Names and addresses it is for, in lower case; `*.` in front of a name stands for one label. */
  readonly hosts: readonly string[];
  readonly issuer: string;
  readonly notBeforeEpochMs: number;
  readonly notAfterEpochMs: number;
  /** SHA-256 of the server's own certificate, `AB:CD:...`. */
  readonly fingerprint: string;
  /** The server's own certificate, those of its issuers in order, and the key. */
  readonly pem: string;
}
