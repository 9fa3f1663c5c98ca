import { ActionIcon, Button, Menu, Tooltip, useMantineColorScheme } from '@mantine/core';
import { NavLink, Outlet, useLocation } from 'react-router';
import { MayChange, ReadOnlyMark } from '../api/access.js';
import { useLiveUpdates } from '../api/live-updates.js';
import { useDeployments } from '../api/queries.js';
import { ConnectionBanner, ConnectionDot, ReadTroubleBanner } from './connection-state.js';
import { Icon, type IconName, Logo } from './icons.js';
import { useModal } from './modal-address.js';
import { ModalHost } from './modal-host.js';
import { useShortcuts } from './use-shortcuts.js';

/** The frame around every page: navigation, connection, dialogs and keys. */
export function Shell() {
  useLiveUpdates();
  const color = useColorScheme();
  useShortcuts(color.next);
  return (
    <>
      <a className="pc-skip" href="#main">
        Skip to content
      </a>
      <header className="pc-head">
        <NavLink to="/apps" className="pc-brand" aria-label="Pacer, all applications">
          <Logo />
          <span className="pc-brand-name">Pacer</span>
        </NavLink>
        <MainNav />
        <div className="pc-head-right">
          <ConnectionDot />
          <ReadOnlyMark />
          <MayChange>
            <CreateButton />
          </MayChange>
          <Tooltip label={color.label}>
            <ActionIcon
              variant="subtle"
              color="gray"
              size="lg"
              aria-label={color.label}
              onClick={color.next}
            >
              <Icon name={color.icon} size={18} />
            </ActionIcon>
          </Tooltip>
          <HelpMenu />
        </div>
      </header>
      <ConnectionBanner />
      <ReadTroubleBanner />
      <main id="main" className="pc-main" tabIndex={-1}>
        <Outlet />
      </main>
      <ModalHost />
    </>
  );
}

function MainNav() {
  const isGroup = useLocation().pathname.startsWith('/group/');
  const deployments = useDeployments();
  const count = deployments.data?.length ?? 0;
  return (
    <nav className="pc-nav" aria-label="Main">
      <NavLink to="/apps" className={({ isActive }) => (isActive || isGroup ? 'active' : '')}>
        Applications
      </NavLink>
      <NavLink to="/deployments">
        Deployments
        {count > 0 && (
          <span className="pc-badge">
            {count}
            <span className="pc-sr"> in progress</span>
          </span>
        )}
      </NavLink>
      <NavLink to="/routes">Routes</NavLink>
    </nav>
  );
}

function CreateButton() {
  const modal = useModal();
  return (
    <Button
      className="pc-create"
      leftSection={<Icon name="plus" />}
      aria-label="Create application"
      onClick={() => modal.open('create')}
    >
      <span className="pc-wide">Create application</span>
    </Button>
  );
}

function HelpMenu() {
  const modal = useModal();
  return (
    <Menu position="bottom-end" withinPortal>
      <Menu.Target>
        <ActionIcon variant="subtle" color="gray" size="lg" aria-label="Help">
          <Icon name="help" size={18} />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Item onClick={() => modal.open('help')}>Keyboard shortcuts</Menu.Item>
        <Menu.Item onClick={() => modal.open('about')}>About this cluster</Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}

const NEXT_SCHEME = { auto: 'light', light: 'dark', dark: 'auto' } as const;
const SCHEME_ICONS: Readonly<Record<keyof typeof NEXT_SCHEME, IconName>> = {
  auto: 'auto',
  light: 'sun',
  dark: 'moon',
};
const SCHEME_WORDS = { auto: 'system', light: 'light', dark: 'dark' } as const;

function useColorScheme(): {
  readonly icon: IconName;
  readonly label: string;
  readonly next: () => void;
} {
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  return {
    icon: SCHEME_ICONS[colorScheme],
    label: `Colour scheme: ${SCHEME_WORDS[colorScheme]}`,
    next: () => setColorScheme(NEXT_SCHEME[colorScheme]),
  };
}
