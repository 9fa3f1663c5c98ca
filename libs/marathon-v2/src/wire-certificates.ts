/** GET /v2/certificates, ours. */
export interface WireCertificates {
  readonly certificates: readonly WireCertificate[];
}

export interface WireCertificate {
  readonly name: string;
  /** Names and addresses it is for. */
  readonly hosts: readonly string[];
  readonly issuer: string;
  readonly notBefore: string;
  readonly notAfter: string;
  /** SHA-256 of the server's own certificate. */
  readonly fingerprint: string;
  /** Only where it is asked for by who may: the chain and the key. */
  readonly pem?: string;
}
