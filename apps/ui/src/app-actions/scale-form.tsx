import { Button, NumberInput, Text } from '@mantine/core';
import { type FormEvent, useState } from 'react';
import { change, resourcePath } from '../api/api-client.js';
import { useRunChange } from '../api/changes.js';
import { scaleEffect } from './action-effects.js';

interface ScaleFormProps {
  readonly appId: string;
  readonly instances: number;
  readonly onDone: () => void;
}

/** One number, its effect in words, one button. Enter submits; the arrow keys step. */
export function ScaleForm({ appId, instances, onDone }: ScaleFormProps) {
  const run = useRunChange();
  const [typed, setTyped] = useState<number | string>();
  // Until something is typed the number follows the app: it may have been scaled since it was last read.
  const wanted = typed ?? instances;
  const isValid = typeof wanted === 'number' && Number.isInteger(wanted) && wanted >= 0;
  const effect = isValid ? scaleEffect(instances, wanted) : undefined;

  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!isValid || effect === undefined) {
      return;
    }
    onDone();
    void run({
      label: `Scale ${appId} to ${wanted}`,
      send: ({ force }) =>
        change('PUT', resourcePath('/v2/apps', appId), { body: { instances: wanted }, force }),
    });
  };

  return (
    <form className="pc-scale-form" onSubmit={submit} aria-label={`Scale ${appId}`}>
      <NumberInput
        label="Instances"
        size="sm"
        value={wanted}
        onChange={setTyped}
        min={0}
        allowDecimal={false}
        allowNegative={false}
        selectAllOnFocus
        // That selects a moment later: what is typed at once would stand behind the number.
        onFocus={(event) => event.currentTarget.select()}
        data-autofocus
      />
      <Text size="xs" c="dimmed" aria-live="polite">
        {isValid ? (effect ?? `${instances} wanted now.`) : 'A whole number, 0 or more.'}
      </Text>
      <Button type="submit" fullWidth disabled={effect === undefined}>
        {isValid ? `Scale to ${wanted}` : 'Scale'}
      </Button>
    </form>
  );
}
