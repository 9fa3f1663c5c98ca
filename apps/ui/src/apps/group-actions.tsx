import { Button, Group, Menu, NumberInput, Text } from '@mantine/core';
import { useState } from 'react';
import { useNavigate } from 'react-router';
import { change, resourcePath } from '../api/api-client.js';
import { useRunChange } from '../api/changes.js';
import { asksForName, TypedName } from '../app-actions/typed-name.js';
import { plural } from '../format/quantities.js';
import { Dialog } from '../shell/dialog.js';
import { Icon } from '../shell/icons.js';
import type { AppRow } from './app-tree.js';
import { parentOf } from './app-tree.js';

interface GroupActionsProps {
  readonly group: string;
  readonly members: readonly AppRow[];
}

/** What can be done to a whole group: every app below it in one deployment. */
export function GroupActions({ group, members }: GroupActionsProps) {
  const [dialog, setDialog] = useState<'scale' | 'destroy'>();
  const close = () => setDialog(undefined);
  return (
    <>
      <Menu position="bottom-end" withinPortal>
        <Menu.Target>
          <Button variant="default" rightSection={<Icon name="chevron" size={12} />}>
            Group actions
          </Button>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Item leftSection={<Icon name="scale" />} onClick={() => setDialog('scale')}>
            Scale group
          </Menu.Item>
          <Menu.Item
            color="red"
            leftSection={<Icon name="trash" />}
            onClick={() => setDialog('destroy')}
          >
            Destroy group
          </Menu.Item>
        </Menu.Dropdown>
      </Menu>
      {dialog === 'scale' && <ScaleGroup group={group} members={members} onClose={close} />}
      {dialog === 'destroy' && <DestroyGroup group={group} members={members} onClose={close} />}
    </>
  );
}

interface GroupDialogProps extends GroupActionsProps {
  readonly onClose: () => void;
}

function ScaleGroup({ group, members, onClose }: GroupDialogProps) {
  const run = useRunChange();
  const [factor, setFactor] = useState<number | string>(2);
  const now = members.reduce((sum, app) => sum + app.counts.wanted, 0);
  const isValid = typeof factor === 'number' && factor >= 0;
  const then = isValid
    ? members.reduce((sum, app) => sum + Math.ceil(app.counts.wanted * factor), 0)
    : now;
  const submit = () => {
    onClose();
    void run({
      label: `Scale ${group} by ${factor}`,
      send: ({ force }) =>
        change('PUT', resourcePath('/v2/groups', group), { body: { scaleBy: factor }, force }),
    });
  };
  return (
    <Dialog onClose={onClose} title={`Scale ${group}`}>
      <NumberInput
        label="Factor"
        description="Every application below the group gets its instances times this, rounded up."
        value={factor}
        onChange={setFactor}
        min={0}
        step={0.5}
        data-autofocus
      />
      <Text size="sm" mt="sm">
        {plural(now, 'instance')} become {then}.
      </Text>
      <Group justify="flex-end" mt="lg">
        <Button variant="default" onClick={onClose}>
          Cancel
        </Button>
        <Button disabled={!isValid} onClick={submit}>
          Scale group
        </Button>
      </Group>
    </Dialog>
  );
}

function DestroyGroup({ group, members, onClose }: GroupDialogProps) {
  const run = useRunChange();
  const navigate = useNavigate();
  const [typed, setTyped] = useState('');
  const present = members.reduce(
    (sum, { counts: c }) => sum + c.healthy + c.unhealthy + c.unknown + c.staged,
    0,
  );
  const needsName = asksForName(present);
  const isReady = !needsName || typed.trim() === group;
  const submit = async () => {
    onClose();
    const isDone = await run({
      label: `Destroy ${group}`,
      send: ({ force }) => change('DELETE', resourcePath('/v2/groups', group), { force }),
    });
    if (isDone) {
      const parent = parentOf(group);
      void navigate(parent === '/' ? '/apps' : `/group${parent}`);
    }
  };
  return (
    <Dialog onClose={onClose} title={`Destroy ${group}`}>
      <Text size="sm">
        Removes {plural(members.length, 'application')} for good and kills{' '}
        {plural(present, 'instance')}.
      </Text>
      {needsName && <TypedName name={group} typed={typed} onType={setTyped} />}
      <Group justify="flex-end" mt="lg">
        <Button
          variant="default"
          onClick={onClose}
          {...(needsName ? {} : { 'data-autofocus': true })}
        >
          Cancel
        </Button>
        <Button color="red" disabled={!isReady} onClick={() => void submit()}>
          Destroy group
        </Button>
      </Group>
    </Dialog>
  );
}
