import { Button } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { MayChange } from '../api/access.js';
import { change, resourcePath } from '../api/api-client.js';
import { ApiError, describeError } from '../api/api-error.js';
import { useRunChange } from '../api/changes.js';
import { useCertificates } from '../api/queries.js';
import type { Certificate } from '../api/route-types.js';
import { formatTimestamp } from '../format/durations.js';
import { useNow } from '../shell/use-now.js';
import { expiryOf } from './route-words.js';
import { UploadCertificateDialog } from './upload-certificate-dialog.js';

/** Certificates of the edge and when they end. A server that has none of this shows nothing. */
export function CertificatesPanel() {
  const certificates = useCertificates();
  const [isUploading, setUploading] = useState(false);
  const isUnknown = certificates.error instanceof ApiError && certificates.error.status === 404;
  if (isUnknown) return null;
  return (
    <section className="pc-certificates" aria-label="Certificates">
      <div className="pc-toolbar">
        <h2>Certificates</h2>
        <MayChange>
          <Button variant="default" onClick={() => setUploading(true)}>
            Upload certificate
          </Button>
        </MayChange>
      </div>
      {certificates.data ? (
        <CertificateList certificates={certificates.data} />
      ) : certificates.error ? (
        <p role="alert">The certificates cannot be shown: {describeError(certificates.error)}</p>
      ) : null}
      {isUploading && <UploadCertificateDialog onClose={() => setUploading(false)} />}
    </section>
  );
}

function CertificateList({ certificates }: { readonly certificates: readonly Certificate[] }) {
  if (certificates.length === 0) {
    return (
      <p className="pc-dim">None is stored. Routers use those that lie in files beside them.</p>
    );
  }
  return (
    <ul className="pc-certificate-list">
      {certificates.map((certificate) => (
        <CertificateItem key={certificate.name} certificate={certificate} />
      ))}
    </ul>
  );
}

function CertificateItem({ certificate }: { readonly certificate: Certificate }) {
  const expiry = expiryOf(certificate, useNow());
  const run = useRunChange();
  const client = useQueryClient();
  const [isSure, setSure] = useState(false);
  const remove = async () => {
    const { name } = certificate;
    const isDone = await run({
      label: `Delete certificate ${name}`,
      send: () => change('DELETE', resourcePath('/v2/certificates', name)),
    });
    if (isDone) await client.invalidateQueries({ queryKey: ['certificates'] });
  };
  return (
    <li>
      <strong>{certificate.name}</strong>{' '}
      <span>{certificate.hosts.join(', ') || 'for no host'}</span>{' '}
      <span
        className={`pc-route-state--${expiry.tone}`}
        title={formatTimestamp(certificate.notAfter)}
      >
        {expiry.text}
      </span>{' '}
      <MayChange>
        <Button
          size="compact-xs"
          variant="subtle"
          color={isSure ? 'red' : 'gray'}
          onClick={() => (isSure ? void remove() : setSure(true))}
          onBlur={() => setSure(false)}
        >
          {isSure ? `Really delete ${certificate.name}` : 'Delete'}
        </Button>
      </MayChange>
    </li>
  );
}
