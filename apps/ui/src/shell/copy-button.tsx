import { Button } from '@mantine/core';
import { useState } from 'react';
import { Icon } from './icons.js';

/** How long the button says that it copied. */
const COPIED_MS = 1_500;

export function CopyButton({
  text,
  children,
}: {
  readonly text: () => string;
  readonly children: string;
}) {
  const [outcome, setOutcome] = useState<'none' | 'copied' | 'failed'>('none');
  const copy = async () => {
    setOutcome((await copyText(text())) ? 'copied' : 'failed');
    setTimeout(() => setOutcome('none'), COPIED_MS);
  };
  const words = { none: children, copied: 'Copied', failed: 'Copying failed' };
  return (
    <Button
      variant="subtle"
      color="gray"
      leftSection={<Icon name={outcome === 'copied' ? 'check' : 'copy'} />}
      onClick={() => void copy()}
      aria-label={children}
    >
      <span aria-live="polite">{words[outcome]}</span>
    </Button>
  );
}

/** The clipboard API only exists on secure origins; elsewhere a hidden field does it the old way. */
async function copyText(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const field = document.createElement('textarea');
    field.value = text;
    field.style.position = 'fixed';
    field.style.opacity = '0';
    (document.activeElement?.closest('[role="dialog"]') ?? document.body).append(field);
    field.select();
    const isDone = document.execCommand('copy');
    field.remove();
    return isDone;
  }
}
