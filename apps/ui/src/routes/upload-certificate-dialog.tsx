import { Button, Group, Text, Textarea, TextInput } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { request, resourcePath } from '../api/api-client.js';
import { describeError } from '../api/api-error.js';
import { Dialog } from '../shell/dialog.js';
import { useToasts } from '../shell/toasts.js';

/** Uploads a certificate with its key. The key is in this form only, and nowhere once it is sent. */
export function UploadCertificateDialog({ onClose }: { readonly onClose: () => void }) {
  const client = useQueryClient();
  const toasts = useToasts();
  const [name, setName] = useState('');
  const [certificate, setCertificate] = useState('');
  const [key, setKey] = useState('');
  const [error, setError] = useState<string>();
  const [isSending, setSending] = useState(false);
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setSending(true);
    setError(undefined);
    try {
      const path = resourcePath('/v2/certificates', name.trim());
      await request(path, { method: 'PUT', body: { certificate, key } });
      await client.invalidateQueries({ queryKey: ['certificates'] });
      toasts.show({ tone: 'good', text: `Certificate ${name.trim()} is stored` });
      onClose();
    } catch (caught) {
      setError(describeError(caught));
      setSending(false);
    }
  };
  const isComplete = name.trim() !== '' && certificate.trim() !== '' && key.trim() !== '';
  return (
    <Dialog onClose={onClose} title="Upload a certificate" size="lg">
      <form onSubmit={(event) => void submit(event)}>
        <TextInput
          label="Name"
          description="One that is there already is replaced"
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
          data-autofocus
        />
        <Textarea
          mt="sm"
          label="Certificate"
          description="PEM: the server’s own, then its issuers"
          autosize
          minRows={4}
          maxRows={8}
          value={certificate}
          onChange={(event) => setCertificate(event.currentTarget.value)}
        />
        <Textarea
          mt="sm"
          label="Key"
          description="PEM, without a passphrase"
          autosize
          minRows={4}
          maxRows={8}
          autoComplete="off"
          spellCheck={false}
          value={key}
          onChange={(event) => setKey(event.currentTarget.value)}
        />
        {error !== undefined && (
          <Text role="alert" c="red" size="sm" mt="sm">
            {error}
          </Text>
        )}
        <Group justify="flex-end" mt="lg">
          <Button variant="default" onClick={onClose}>
            Cancel
          </Button>
          <Button type="submit" disabled={!isComplete} loading={isSending}>
            Upload
          </Button>
        </Group>
      </form>
    </Dialog>
  );
}
