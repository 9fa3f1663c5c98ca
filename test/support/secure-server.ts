import { readFileSync } from 'node:fs';
import type { RequestListener } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { CertificateAuthority, CertificateFiles } from './certificates.js';

export interface SecureServer {
  readonly url: string;
  /** The common name of the client's certificate, of each request. */
  readonly clients: readonly string[];
  close(): void;
}

/** A server that requires a client certificate of this authority. */
export async function startSecureServer(
  ca: CertificateAuthority,
  files: CertificateFiles,
  handle: RequestListener,
): Promise<SecureServer> {
  const clients: string[] = [];
  const options = {
    ...{ ca: readFileSync(ca.cert), requestCert: true, rejectUnauthorized: true },
    ...{ cert: readFileSync(files.cert), key: readFileSync(files.key) },
  };
  const server = createServer(options, (request, response) => {
    clients.push(String((request.socket as TLSSocket).getPeerCertificate().subject.CN));
    handle(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
    clients,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
