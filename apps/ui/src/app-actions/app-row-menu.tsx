import { ActionIcon, Menu } from '@mantine/core';
import { Icon } from '../shell/icons.js';
import { useModal } from '../shell/modal-address.js';

interface AppRowMenuProps {
  readonly appId: string;
  readonly isSuspended: boolean;
  readonly isScalable: boolean;
}

export function AppRowMenu({ appId, isSuspended, isScalable }: AppRowMenuProps) {
  const modal = useModal();
  return (
    <Menu position="bottom-end" withinPortal>
      <Menu.Target>
        <ActionIcon variant="subtle" color="gray" aria-label={`Actions for ${appId}`}>
          <Icon name="dots" />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Item
          leftSection={<Icon name="scale" />}
          disabled={!isScalable}
          onClick={() => modal.open('scale', appId)}
        >
          Scale
        </Menu.Item>
        <Menu.Item
          leftSection={<Icon name="restart" />}
          onClick={() => modal.open('restart', appId)}
        >
          Restart
        </Menu.Item>
        <Menu.Item leftSection={<Icon name="edit" />} onClick={() => modal.open('edit', appId)}>
          Edit
        </Menu.Item>
        <Menu.Item
          leftSection={<Icon name="pause" />}
          disabled={isSuspended || !isScalable}
          onClick={() => modal.open('suspend', appId)}
        >
          Suspend
        </Menu.Item>
        <Menu.Divider />
        <Menu.Item
          color="red"
          leftSection={<Icon name="trash" />}
          onClick={() => modal.open('destroy', appId)}
        >
          Destroy
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
