import { Button, Popover, UnstyledButton } from '@mantine/core';
import { useState } from 'react';
import { useMayChange } from '../api/access.js';
import { Icon } from '../shell/icons.js';
import { ScaleForm } from './scale-form.js';

interface ScalePopoverProps {
  readonly appId: string;
  readonly instances: number;
  /** With it the control is the `3 of 5` of a table; without it a button. */
  readonly running?: number;
}

/** The one control for scaling, wherever it is needed. */
export function ScalePopover({ appId, instances, running }: ScalePopoverProps) {
  const [isOpen, setOpen] = useState(false);
  const toggle = () => setOpen(!isOpen);
  const mayChange = useMayChange();
  if (!mayChange) {
    return running === undefined ? null : (
      <span className="pc-instances">
        {running} <span className="pc-dim">of {instances}</span>
      </span>
    );
  }
  return (
    <Popover
      opened={isOpen}
      onChange={setOpen}
      position="bottom-end"
      width={220}
      trapFocus
      returnFocus
      withArrow
      shadow="md"
    >
      <Popover.Target>
        {running === undefined ? (
          <Button variant="default" leftSection={<Icon name="scale" />} onClick={toggle}>
            Scale
          </Button>
        ) : (
          <UnstyledButton
            className="pc-instances pc-instances--button"
            aria-label={`Scale ${appId}, ${running} of ${instances} running`}
            onClick={toggle}
          >
            {running} <span className="pc-dim">of {instances}</span>
          </UnstyledButton>
        )}
      </Popover.Target>
      <Popover.Dropdown aria-label={`Scale ${appId}`}>
        {isOpen && <ScaleForm appId={appId} instances={instances} onDone={() => setOpen(false)} />}
      </Popover.Dropdown>
    </Popover>
  );
}
