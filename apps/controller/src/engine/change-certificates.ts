import { MAX_CERTIFICATES, type StoredCertificate } from '#core';
import type { Draft } from './draft.js';
import { certificateChanged } from './marathon-events.js';

/** Stores a certificate and says so, without its key; declared again as it is, nothing happens. */
export function putCertificate(
  draft: Draft,
  certificate: StoredCertificate,
): 'created' | 'replaced' | 'same' | 'full' {
  const before = draft.certificate(certificate.name);
  if (before?.pem === certificate.pem) return 'same';
  if (before === undefined && draft.certificateCount >= MAX_CERTIFICATES) return 'full';
  draft.putCertificate(certificate);
  draft.emit(certificateChanged(certificate, { isDeleted: false }));
  return before === undefined ? 'created' : 'replaced';
}

export function deleteCertificate(draft: Draft, name: string): boolean {
  const before = draft.certificate(name);
  if (before === undefined) return false;
  draft.deleteCertificate(name);
  draft.emit(certificateChanged(before, { isDeleted: true }));
  return true;
}
