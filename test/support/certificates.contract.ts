import { expect, it } from 'vitest';
import type { ControllerStoreSubject } from './controller-store.contract.js';

/** Of every store of the controller: what becomes of certificates. */
export function keepsCertificates(prepare: () => Promise<ControllerStoreSubject>): void {
  it('keeps certificates until they are deleted, with what else is stored in the transaction', async () => {
    const { store, lease } = await prepare();
    const certificate = {
      name: 'shop',
      hosts: ['shop.example'],
      issuer: 'CN=test',
      notBeforeEpochMs: 1,
      notAfterEpochMs: 2,
      fingerprint: 'AB:CD',
      pem: 'certificate and key',
    };
    const renewed = { ...certificate, fingerprint: 'EF:01' };

    await store.commit(lease, [
      { kind: 'put-certificate', certificate },
      { kind: 'put-certificate', certificate: { ...certificate, name: 'other' } },
      { kind: 'put-framework-id', frameworkId: 'f-2' },
    ]);
    await store.commit(lease, [
      { kind: 'put-certificate', certificate: renewed },
      { kind: 'delete-certificate', name: 'other' },
    ]);

    expect(await store.load()).toMatchObject({ frameworkId: 'f-2', certificates: [renewed] });
  });
}
