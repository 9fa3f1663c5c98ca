import { createHash, createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';

/** Above this HAProxy cannot take a certificate at run time: command and payload share one buffer (tune.bufsize). */
export const MAX_RUNTIME_PEM_BYTES = 15_000;
const MAX_PEM_BYTES = 1024 * 1024;
const BLOCK = /-----BEGIN ([A-Z0-9 ]+)-----[^-]*-----END \1-----/g;

const BEGIN = /^-----BEGIN /m;

/** A certificate with its chain and key, checked. */
export interface CertificateBundle {
  /** Chain and key, without empty lines: one would end the payload of a runtime command. */
  readonly pem: string;
  /** SHA-1 of the certificate, hexadecimal without colons, as HAProxy prints it. */
  readonly fingerprint: string;
  /** SHA-256 of `pem`, hexadecimal: it differs with the chain and the key too. */
  readonly digest: string;
  readonly names: readonly string[];
  readonly notAfterMs: number;
}

/**
 * Reads chain and private key out of PEM, in any order, and whatever is written around them. What HAProxy would refuse, or serve
 * wrongly, is told with the reason.
 */
export function readCertificateBundle(
  text: string,
):
  | { readonly ok: true; readonly bundle: CertificateBundle }
  | { readonly ok: false; readonly reason: string } {
  if (text.length > MAX_PEM_BYTES) return refuse(`it is above ${MAX_PEM_BYTES} bytes`);
  const blocks = [...text.matchAll(BLOCK)].map(([block, label = '']) => ({ block, label }));
  const chain = blocks.filter(({ label }) => label === 'CERTIFICATE');
  const keys = blocks.filter(({ label }) => label.endsWith('PRIVATE KEY'));
  const [first] = chain;
  const [key] = keys;
  if (text.split(BEGIN).length > blocks.length + 1)
    return refuse('it ends in the middle of a block');
  if (first === undefined) return refuse('there is no CERTIFICATE in it');
  if (key === undefined || keys.length > 1) return refuse(`it has ${keys.length} keys, not one`);
  let leaf: X509Certificate;
  let privateKey: KeyObject;
  try {
    leaf = new X509Certificate(first.block);
    for (const { block } of chain) new X509Certificate(block);
    privateKey = createPrivateKey(key.block);
  } catch (error) {
    return refuse(error instanceof Error ? error.message : String(error));
  }
  if (!leaf.checkPrivateKey(privateKey)) {
    return refuse('the key is not that of the first certificate');
  }
  const lines = [...chain, key].flatMap(({ block }) => block.split(/\r?\n/));
  const pem = lines
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .map((line) => `${line}\n`)
    .join('');
  const alternatives = leaf.subjectAltName ?? '';
  return {
    ok: true,
    bundle: {
      pem,
      fingerprint: leaf.fingerprint.replaceAll(':', ''),
      digest: createHash('sha256').update(pem).digest('hex'),
      names: [...alternatives.matchAll(/DNS:([^\s,"]+)/g)].map(([, name = '']) =>
        name.toLowerCase(),
      ),
      notAfterMs: Date.parse(leaf.validTo),
    },
  };
}

const refuse = (reason: string) => ({ ok: false, reason }) as const;
